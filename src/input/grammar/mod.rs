//! How values of inputs are written: lists, CSV, and what JavaScript makes of texts.

pub mod boolean;
pub mod csv;
pub mod fields;
pub mod javascript;
pub mod list;
pub mod platform;

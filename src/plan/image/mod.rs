//! What one image is: its names, where it goes, what it is built from.

pub mod content;
pub mod context;
pub mod destination_names;
pub mod image_test;
pub mod joined;
pub mod names;
pub mod output_names;
pub mod publication;
pub mod secret_leaks;
pub mod secrets;

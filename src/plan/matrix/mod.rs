//! An image that the jobs of a matrix make together: which jobs there are, and how what
//! they have built becomes one image.

pub mod legs;
pub mod merge;
pub mod results;
pub mod share;

//! What every job that uses the action downloads.

use std::error::Error;

use crate::place::Place;
use crate::table::Figure;

pub(crate) fn figure(place: &Place) -> Result<Figure, Box<dyn Error>> {
    let bytes = u32::try_from(place.program.metadata()?.len())?;
    Ok(Figure {
        name: "the static program, size",
        measured: f64::from(bytes) / 1024.0 / 1024.0,
        bound: 12.0,
        unit: "MiB",
        how: format!("{bytes} bytes"),
    })
}

//! Files in the run's folder that hold secrets.

use secrecy::zeroize::Zeroize;

use crate::execute::error::Error;
use crate::execute::workdir::run_dir::RunFolder;

/// Writes a file that holds secrets, and wipes the text afterwards.
pub fn write(folder: &RunFolder, name: &str, text: &mut String) -> Result<(), Error> {
    let written = folder.write(name, text.as_bytes());
    text.zeroize();
    written.map_err(Error::files(name))
}

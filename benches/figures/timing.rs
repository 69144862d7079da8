//! Times whole processes.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a command without showing what it prints, which a failure holds.
///
/// # Errors
/// The command cannot be started, or fails.
pub(crate) fn time(command: &mut Command) -> Result<Duration, String> {
    command.stdin(Stdio::null());
    let begin = Instant::now();
    let output = command
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let elapsed = begin.elapsed();
    if output.status.success() {
        return Ok(elapsed);
    }
    Err(format!(
        "{} ended with {}:\n{}{}",
        command.get_program().display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// The middle one, in seconds; of an even number, the upper of the two.
pub(crate) fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted
        .get(sorted.len() / 2)
        .copied()
        .unwrap_or_default()
        .as_secs_f64()
}

/// From the shortest to the longest, for a reader to see how steady it was.
pub(crate) fn range(times: &[Duration]) -> String {
    let ms = |time: Option<&Duration>| time.copied().unwrap_or_default().as_secs_f64() * 1e3;
    format!(
        "{:.1}–{:.1} ms",
        ms(times.iter().min()),
        ms(times.iter().max())
    )
}

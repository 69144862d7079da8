//! Times whole processes.

use std::error::Error;
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

/// Runs something once: how long it took, and what else is known of it.
type Work<'a, T> = &'a dyn Fn() -> Result<T, Box<dyn Error>>;

/// Runs these in turns, and gives what was measured of each. One more round comes first:
/// it fills the caches and is not counted. Every other round runs backwards, so that what
/// one leaves for the engine to do does not always slow down the same other one.
pub(crate) fn in_turns<T, const N: usize>(
    rounds: usize,
    works: [Work<'_, T>; N],
) -> Result<[Vec<T>; N], Box<dyn Error>> {
    let mut measured = [const { Vec::new() }; N];
    let mut order: Vec<usize> = (0..N).collect();
    for round in 0..=rounds {
        for &index in &order {
            let one = works[index]()?;
            if round > 0 {
                measured[index].push(one);
            }
        }
        order.reverse();
    }
    Ok(measured)
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

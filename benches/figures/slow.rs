//! A registry that is far away: a proxy before the lab's open one that waits before
//! it passes a request on, and counts them.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::table::Figure;
use crate::timing::{median, range};

/// The first byte of a handshake of TLS.
const TLS: u8 = 22;
/// How long a request is on its way: ghcr.io takes 50 to 200 ms.
const WAIT: Duration = Duration::from_millis(80);

pub(crate) struct SlowRegistry {
    pub(crate) address: String,
    requests: Arc<AtomicUsize>,
}

impl SlowRegistry {
    /// Before the registry at this address.
    pub(crate) fn start(upstream: &str) -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let (upstream, counter) = (upstream.to_owned(), Arc::clone(&requests));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, counter) = (upstream.clone(), Arc::clone(&counter));
                thread::spawn(move || pass(&client, &upstream, &counter));
            }
        });
        Ok(Self { address, requests })
    }

    /// How many requests there were since this was asked last.
    pub(crate) fn count(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

/// The figure of two commands that took turns: theirs, then ours.
pub(crate) fn ratio(
    name: &'static str,
    bound: f64,
    times: &[Vec<Duration>; 2],
    requests: [usize; 2],
) -> Figure {
    let [theirs, ours] = times;
    Figure {
        name,
        measured: median(ours) / median(theirs),
        bound,
        unit: "x",
        how: format!(
            "{} ms a request, medians of {}: {:.2} s ({}), {} requests, to {:.2} s ({}), {} \
             requests",
            WAIT.as_millis(),
            ours.len(),
            median(ours),
            range(ours),
            requests[1],
            median(theirs),
            range(theirs),
            requests[0],
        ),
    }
}

/// Passes bytes on in both directions. What a client says after an answer is the next
/// request; the beginning of TLS, which the registry does not speak, is none.
fn pass(client: &TcpStream, upstream: &str, requests: &AtomicUsize) -> Option<()> {
    let server = TcpStream::connect(upstream).ok()?;
    let has_answered = Arc::new(AtomicBool::new(true));
    let answered = Arc::clone(&has_answered);
    let (mut from, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
    let back = thread::spawn(move || {
        copy(&mut from, &mut to, |_| {
            answered.store(true, Ordering::SeqCst)
        });
    });
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    copy(&mut from, &mut to, |bytes| {
        if bytes.first() != Some(&TLS) && has_answered.swap(false, Ordering::SeqCst) {
            requests.fetch_add(1, Ordering::SeqCst);
            thread::sleep(WAIT);
        }
    });
    back.join().ok()
}

fn copy(from: &mut TcpStream, to: &mut TcpStream, mut before: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        before(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

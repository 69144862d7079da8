//! What all images of a run wait at before any of them gets a name.

use tokio::sync::watch;

/// How far the images of a run are.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    arrived: usize,
    has_failed: bool,
}

/// Opens when all images have arrived, unless one of them fails.
#[derive(Debug)]
pub struct Gate {
    expected: usize,
    progress: watch::Sender<Progress>,
}

impl Gate {
    /// For this many images.
    pub fn of(expected: usize) -> Self {
        Self {
            expected,
            progress: watch::Sender::new(Progress::default()),
        }
    }

    /// An image has failed: it does not open any more.
    pub fn fail(&self) {
        self.progress
            .send_modify(|progress| progress.has_failed = true);
    }

    /// An image has arrived. Returns when all have, or one has failed: true when its
    /// names may be written.
    pub async fn pass(&self) -> bool {
        self.progress.send_modify(|progress| progress.arrived += 1);
        let mut progress = self.progress.subscribe();
        let is_over =
            |progress: &Progress| progress.has_failed || progress.arrived >= self.expected;
        let over = progress.wait_for(is_over).await;
        over.is_ok_and(|progress| !progress.has_failed)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;

    use super::*;

    #[tokio::test]
    async fn it_opens_for_all_or_for_none() {
        let gate = Gate::of(2);
        assert_eq!(join(gate.pass(), gate.pass()).await, (true, true));
        let gate = Gate::of(2);
        let failing = async { gate.fail() };
        assert_eq!(join(gate.pass(), failing).await, (false, ()));
    }
}

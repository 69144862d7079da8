//! The questions of the preflight, asked before the plan is final: names and logins are
//! known while the engine and buildx are still being asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::execute::workdir::docker_config;
use crate::facts::Facts;
use crate::host::Host;
use crate::input::SecretValues;
use crate::plan::{Check, Plan};
use crate::registry::{Answer, Client, Credentials};

/// How long a check may take.
pub const BOUND: Duration = Duration::from_secs(10);

/// What a registry answers, and how long that took.
type Reply = (Answer, Duration);

/// Checks that have been started.
pub struct EarlyChecks {
    client: Arc<Client>,
    /// The logins that they are made with.
    config: Map<String, Value>,
    running: Mutex<Vec<(Check, JoinHandle<Reply>)>>,
}

impl EarlyChecks {
    /// Starts the checks of a plan that may still change, but not in its names.
    pub fn start(plan: &Plan, secrets: SecretValues<'_>, facts: &Facts, host: &Host) -> Self {
        // The final plan warns of what is missing.
        let config = docker_config::make(plan, secrets, facts, host, &mut Vec::new());
        let credentials = Credentials::new(config.clone());
        let authorities = secrets.authorities().clone();
        let client = Arc::new(Client::new(credentials, authorities, host));
        let checks = plan.preflight.checks.iter();
        // Whether a cache is added depends on the engine.
        let running = checks.filter(|check| !check.added).map(|check| {
            let (asked, client) = (check.clone(), Arc::clone(&client));
            let task = tokio::spawn(async move { ask(&client, &asked).await });
            (check.clone(), task)
        });
        let running = Mutex::new(running.collect());
        Self {
            client,
            config,
            running,
        }
    }

    /// The client that makes the checks, where it has these logins.
    pub fn client(&self, config: &Map<String, Value>) -> Option<Arc<Client>> {
        (self.config == *config).then(|| Arc::clone(&self.client))
    }

    /// What a registry answers to a check, where it was started. It is returned once.
    pub async fn take(&self, check: &Check) -> Option<Reply> {
        let task = {
            let mut running = self.running.lock().await;
            let at = running.iter().position(|(other, _)| other == check)?;
            running.swap_remove(at).1
        };
        task.await.ok()
    }

    /// Stops the checks that nobody waits for.
    pub async fn cancel(&self) {
        for (_, task) in self.running.lock().await.drain(..) {
            task.abort();
            let _ = task.await;
        }
        self.client.settle().await;
    }
}

/// Asks a registry.
pub async fn ask(client: &Client, check: &Check) -> Reply {
    let began = Instant::now();
    let answer = match &check.tag {
        Some(tag) => client.check_pull(&check.image, tag, BOUND).await,
        None => client.check_push(&check.image, BOUND).await,
    };
    (answer, began.elapsed())
}

//! Asks registries before the plan is certain: names and logins are known while the run
//! still learns about engine and buildx.

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

/// How long a question may take.
pub const BOUND: Duration = Duration::from_secs(10);

/// What a registry says, and how long it took.
type Reply = (Answer, Duration);

/// Questions that are on their way.
pub struct Ahead {
    client: Arc<Client>,
    /// The logins that they are asked with.
    config: Map<String, Value>,
    asked: Mutex<Vec<(Check, JoinHandle<Reply>)>>,
}

impl Ahead {
    /// Begins to ask what a plan asks before it builds, whatever is still to be learnt.
    pub fn begin(plan: &Plan, secrets: SecretValues<'_>, facts: &Facts, host: &Host) -> Self {
        // What is missing is told of the certain plan.
        let config = docker_config::make(plan, secrets, facts, host, &mut Vec::new());
        let credentials = Credentials::new(config.clone());
        let authorities = secrets.authorities().clone();
        let client = Arc::new(Client::new(credentials, authorities, host));
        let checks = plan.preflight.checks.iter();
        // The caches that we add depend on the engine.
        let asked = checks.filter(|check| !check.added).map(|check| {
            let (asked, client) = (check.clone(), Arc::clone(&client));
            let asking = tokio::spawn(async move { ask(&client, &asked).await });
            (check.clone(), asking)
        });
        let asked = Mutex::new(asked.collect());
        Self {
            client,
            config,
            asked,
        }
    }

    /// The client that asks, where these are its logins.
    pub fn client(&self, config: &Map<String, Value>) -> Option<Arc<Client>> {
        (self.config == *config).then(|| Arc::clone(&self.client))
    }

    /// What a registry says to a question that it is asked already. It is told once.
    pub async fn reply(&self, check: &Check) -> Option<Reply> {
        let asking = {
            let mut asked = self.asked.lock().await;
            let at = asked.iter().position(|(asked, _)| asked == check)?;
            asked.swap_remove(at).1
        };
        asking.await.ok()
    }

    /// Gives up what nobody has waited for.
    pub async fn give_up(&self) {
        for (_, asking) in self.asked.lock().await.drain(..) {
            asking.abort();
            let _ = asking.await;
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

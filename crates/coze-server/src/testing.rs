//! A server for tests: ready in milliseconds, alone with its data, gone with its owner.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::{
    BotConfig, DEMO_BOT_ID, Dialect, ModelConfig, OfflineConfig, ServerConfig, Space,
    WorkflowConfig,
};
use crate::edge::{Fault, FaultRule};
use crate::models::ScriptRule;
use crate::plan::Plan;
use crate::store::StoreError;
use crate::{Server, StartError};

/// A local server for one test.
///
/// It listens on a free loopback port, keeps its data in a folder of its own in the system's
/// folder for temporary files, and ends with its owner, who takes the folder along. Any number may
/// run beside each other. Faults and the control endpoints are allowed; what was answered is not
/// safe from a loss of power.
///
/// ```
/// use coze_api::Coze;
/// use coze_server::TestServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = TestServer::builder()
///     .answer("weather", "Sunny, 21 degrees.")
///     .fault("cut; after=3", |rule| rule.row("StartChat").count(1))
///     .start()
///     .await?;
///
/// let coze = Coze::builder().base_url(server.url()).token("any").build()?;
/// let chat = coze.chat(server.bot_id()).user("me").message("How is the weather?");
/// // The stream breaks behind three events, and the SDK reads the rest of the answer.
/// assert_eq!(chat.reply().await?.text(), "Sunny, 21 degrees.");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestServer {
    server: Option<Server>,
    url: String,
    folder: Folder,
}

impl TestServer {
    /// With the built-in agent, which answers by itself.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// With more than that.
    #[must_use]
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::default()
    }

    /// The base URL for clients.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The agent that answers by the script of the builder, or by itself.
    #[must_use]
    pub fn bot_id(&self) -> &'static str {
        DEMO_BOT_ID
    }

    /// Where its data is.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.folder.0
    }

    /// Lets something go wrong from now on, such as `cut; after=3`. Gives the number by which it
    /// is taken back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = coze_server::TestServer::start().await?;
    /// let id = server.fault("status=503", |rule| rule.path("/v1/bots/*"))?;
    /// assert_eq!(server.remove_faults(Some(id)), 1);
    /// assert!(server.fault("explode", |rule| rule).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What is wrong with the fault or its rule.
    pub fn fault(
        &self,
        fault: &str,
        narrow: impl FnOnce(FaultRule) -> FaultRule,
    ) -> Result<u64, String> {
        let fault: Fault = fault.parse().map_err(|why| format!("{why}"))?;
        match &self.server {
            Some(server) => server.add_fault(narrow(FaultRule::new(fault))),
            None => Err("the server has been stopped".to_owned()),
        }
    }

    /// Takes a fault back, or all that were added. Says how many there were.
    pub fn remove_faults(&self, id: Option<u64>) -> usize {
        let server = self.server.as_ref();
        server.map_or(0, |server| server.remove_faults(id))
    }

    /// Moves its clock forward, for tests of what expires.
    pub fn advance(&self, time: Duration) {
        if let Some(server) = &self.server {
            server.advance(time);
        }
    }

    /// Makes it a new server: nothing is stored, no fault was added, the clock goes right.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn reset(&self) -> Result<(), StoreError> {
        match &self.server {
            Some(server) => server.reset().await,
            None => Err(StoreError::Closed),
        }
    }

    /// Ends it in order, for tests of what streams are told then. Dropping it is enough otherwise.
    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abandon();
        }
    }
}

/// Makes a [`TestServer`].
#[derive(Debug)]
pub struct TestServerBuilder {
    space: Space,
    script: Vec<ScriptRule>,
    faults: Vec<(String, FaultRule)>,
    tokens: Vec<String>,
    plan: Option<Plan>,
    dialect: Dialect,
    seed: u64,
    /// What is wrong already, told at the start.
    problem: Option<String>,
}

impl Default for TestServerBuilder {
    fn default() -> Self {
        Self {
            space: Space::default(),
            script: Vec::new(),
            faults: Vec::new(),
            tokens: Vec::new(),
            plan: None,
            dialect: Dialect::Coze,
            seed: 0,
            problem: None,
        }
    }
}

impl TestServerBuilder {
    /// With what this text of a `coze.yaml` has. Files that it names are looked for in the working
    /// directory.
    #[must_use]
    pub fn yaml(mut self, text: &str) -> Self {
        match Space::parse(text, Path::new("coze.yaml")) {
            Ok(space) => self.space = space,
            Err(error) => self.problem = Some(error.to_string()),
        }
        self
    }

    /// With what has been read already.
    #[must_use]
    pub fn space(mut self, space: Space) -> Self {
        self.space = space;
        self
    }

    /// With one more agent.
    #[must_use]
    pub fn bot(mut self, bot: BotConfig) -> Self {
        self.space.bots.push(bot);
        self
    }

    /// With one more model.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, model: ModelConfig) -> Self {
        self.space.models.insert(name.into(), model);
        self
    }

    /// With one more workflow.
    #[must_use]
    pub fn workflow(mut self, workflow: WorkflowConfig) -> Self {
        self.space.workflows.push(workflow);
        self
    }

    /// The agent of [`TestServer::bot_id`] follows these rules; they come behind those given
    /// before.
    #[must_use]
    pub fn script(mut self, rules: impl IntoIterator<Item = ScriptRule>) -> Self {
        self.script.extend(rules);
        self
    }

    /// The agent of [`TestServer::bot_id`] answers messages that match the regular expression so.
    #[must_use]
    pub fn answer(self, pattern: impl Into<String>, answer: impl Into<String>) -> Self {
        self.script([ScriptRule {
            pattern: pattern.into(),
            deltas: vec![answer.into()],
            ..ScriptRule::default()
        }])
    }

    /// Lets this token in. Without one, everybody is let in.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.tokens.push(token.into());
        self
    }

    /// Lets each user call so much, for tests of what a program does beyond that. Without one,
    /// nothing is limited. This one counts more than that of a `coze.yaml`.
    ///
    /// ```
    /// use coze_api::{Coze, RetryPolicy};
    /// use coze_server::{Plan, TestServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let plan = Plan { per_day: Some(1), ..Plan::default() };
    /// let server = TestServer::builder().plan(plan).start().await?;
    /// let coze = Coze::builder().base_url(server.url()).token("any");
    /// let coze = coze.retry(RetryPolicy::none()).build()?;
    /// coze.me().await?;
    /// assert_eq!(coze.me().await.unwrap_err().code(), Some(4008));
    /// // Tomorrow there is one more.
    /// server.advance(std::time::Duration::from_secs(24 * 3600));
    /// coze.me().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = Some(plan);
        self
    }

    /// In another dialect.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Lets something go wrong, such as `cut; after=3`, in the calls that the rule is narrowed to.
    #[must_use]
    pub fn fault(mut self, fault: &str, narrow: impl FnOnce(FaultRule) -> FaultRule) -> Self {
        match fault.parse() {
            Ok(parsed) => {
                let rule = narrow(FaultRule::new(parsed));
                self.faults.push((fault.to_owned(), rule));
            }
            Err(why) => self.problem = Some(format!("the fault {fault:?}: {why}")),
        }
        self
    }

    /// What chance follows where a fault is not certain: the same seed, the same failures.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts it. When this returns, it is ready.
    ///
    /// # Errors
    /// As [`Server::start`]; [`StartError::Space`] when something given cannot be used.
    pub async fn start(mut self) -> Result<TestServer, StartError> {
        if let Some(problem) = self.problem {
            return Err(StartError::Space(problem));
        }
        if !self.script.is_empty() {
            let name = "test script".to_owned();
            let script = OfflineConfig {
                script: self.script,
            };
            let models = &mut self.space.models;
            models.insert(name.clone(), ModelConfig::Offline(script));
            let bots = &mut self.space.bots;
            match bots.iter_mut().find(|bot| bot.id == DEMO_BOT_ID) {
                Some(bot) => bot.model = Some(name),
                None => bots.push(BotConfig {
                    id: DEMO_BOT_ID.to_owned(),
                    name: "Scripted".to_owned(),
                    model: Some(name),
                    ..BotConfig::default()
                }),
            }
        }
        for (fault, rule) in self.faults {
            if let Some((key, why)) = rule.problem() {
                return Err(StartError::Space(format!(
                    "the fault {fault:?}: {key}: {why}"
                )));
            }
            self.space.faults.push(rule);
        }
        let folder = Folder::new()?;
        let mut config = ServerConfig::new(&folder.0);
        config.tokens = self.tokens;
        config.plan = self.plan;
        config.dialect = self.dialect;
        config.space = self.space;
        config.faults = true;
        config.fault_seed = Some(self.seed);
        config.durable = false;
        let server = Server::start(config).await?;
        Ok(TestServer {
            url: server.url(),
            server: Some(server),
            folder,
        })
    }
}

/// A folder that goes when its owner does.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, StoreError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        let name = format!("coze-test-{}-{count}-{now}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).map_err(|source| StoreError::io(&folder, source))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

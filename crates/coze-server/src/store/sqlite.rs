//! SQLite: one writer thread that commits in groups, and a few readers.
//!
//! WAL lets readers go on while the writer commits. `synchronous = FULL` makes a commit survive
//! the loss of power too; its price, one sync per commit, is shared by all writes that wait at the
//! same moment.

use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, oneshot};

use super::{Result, StoreError, Unit};

/// Numbered steps from an empty database to today's; a step that was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_identity.sql"),
    include_str!("migrations/0003_bots.sql"),
    include_str!("migrations/0004_audio.sql"),
    include_str!("migrations/0005_tokens.sql"),
    include_str!("migrations/0006_knowledge.sql"),
    include_str!("migrations/0007_variables.sql"),
    include_str!("migrations/0008_copies.sql"),
    include_str!("migrations/0009_oauth.sql"),
    include_str!("migrations/0010_channels.sql"),
    include_str!("migrations/0011_bills.sql"),
];
const READERS: usize = 4;
/// Writes that share a commit at most, so that none waits long for the others.
const GROUP: usize = 256;
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// A unit of work on a connection that is inside a transaction.
pub(super) struct Sqlite<'c>(pub(super) &'c Connection);

impl Unit for Sqlite<'_> {
    fn largest_id(&self) -> Result<i64> {
        let sql = "SELECT max(id) FROM (SELECT max(id) AS id FROM conversation \
                   UNION ALL SELECT max(section_id) FROM conversation \
                   UNION ALL SELECT max(id) FROM chat UNION ALL SELECT max(id) FROM message \
                   UNION ALL SELECT max(id) FROM dataset WHERE declared = 0 \
                   UNION ALL SELECT max(id) FROM document \
                   UNION ALL SELECT max(id) FROM file UNION ALL SELECT max(id) FROM run \
                   UNION ALL SELECT max(id) FROM user UNION ALL SELECT max(id) FROM space \
                   UNION ALL SELECT max(id) FROM bot \
                   UNION ALL SELECT max(id) FROM voice \
                   UNION ALL SELECT max(id) FROM voiceprint_group \
                   UNION ALL SELECT max(max(id), max(file_id)) FROM voiceprint \
                   UNION ALL SELECT max(id) FROM token UNION ALL SELECT max(id) FROM organization \
                   UNION ALL SELECT max(id) FROM app UNION ALL SELECT max(id) FROM workflow \
                   UNION ALL SELECT max(id) FROM copy_task UNION ALL SELECT max(id) FROM oauth_login \
                   UNION ALL SELECT max(id) FROM api_app UNION ALL SELECT max(id) FROM callback \
                   UNION ALL SELECT max(id) FROM limitation UNION ALL SELECT max(id) FROM bill \
                   UNION ALL SELECT max(id) FROM bill_task)";
        let largest: Option<i64> = self.0.query_row(sql, [], |row| row.get(0))?;
        Ok(largest.unwrap_or(0))
    }
}

/// What the writer is to do.
enum Order {
    /// Something that may share a commit.
    Write(Box<dyn Job>),
    /// Something that needs the connection for itself, outside of a transaction.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// A write that waits for its turn.
trait Job: Send {
    /// Does the work inside the transaction; says whether to keep what it did.
    fn run(&mut self, unit: &Sqlite<'_>) -> bool;
    /// Tells who waits, once it is known whether the transaction has reached the disk.
    fn tell(self: Box<Self>, committed: Result<()>);
}

struct Write<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    waiting: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Write<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&dyn Unit) -> Result<T, E> + Send,
{
    fn run(&mut self, unit: &Sqlite<'_>) -> bool {
        let work = self.work.take();
        // A panic must cost its own caller the answer, not everybody the writer.
        let done = catch_unwind(AssertUnwindSafe(|| work.map(|work| work(unit))));
        self.result = done.ok().flatten();
        matches!(self.result, Some(Ok(_)))
    }

    fn tell(self: Box<Self>, committed: Result<()>) {
        let result = match (committed, self.result) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Closed.into()),
        };
        // Nobody may wait any more; the work is done all the same.
        let _ = self.waiting.send(result);
    }
}

/// The database.
#[derive(Clone)]
pub(crate) struct Db(Arc<Inner>);

struct Inner {
    path: PathBuf,
    orders: Mutex<Option<mpsc::Sender<Order>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    reading: Semaphore,
    /// Held as long as the database is open.
    _lock: File,
}

impl Db {
    /// Opens the database, brings it to today's schema and starts its writer.
    ///
    /// What is not `durable` is lost with the power, and is ready sooner.
    pub(crate) fn open(path: &Path, durable: bool) -> Result<Self> {
        let lock = lock(path)?;
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "busy_timeout", 2_000)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        let synchronous = if durable { "full" } else { "off" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection, path)?;
        let (sender, receiver) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_loop(&mut connection, &receiver))
            .map_err(|source| StoreError::io(path, source))?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            orders: Mutex::new(Some(sender)),
            writer: Mutex::new(Some(writer)),
            readers: Mutex::default(),
            reading: Semaphore::new(READERS),
            _lock: lock,
        })))
    }

    /// Does work that changes something. When this is ready with `Ok`, the change is on disk.
    ///
    /// An error of the work itself undoes the work and is handed on as it is.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&dyn Unit) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (waiting, told) = oneshot::channel();
        let job = Box::new(Write {
            work: Some(work),
            result: None,
            waiting,
        });
        self.order(Order::Write(job))?;
        told.await
            .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    fn order(&self, order: Order) -> Result<()> {
        let orders = self.0.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = orders.as_ref().map(|orders| orders.send(order));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(StoreError::Closed),
        }
    }

    /// Makes it what a new database is, in one step.
    pub(crate) async fn reset(&self) -> Result<()> {
        let (waiting, told) = oneshot::channel();
        let path = self.0.path.clone();
        self.order(Order::Alone(Box::new(move |connection| {
            let done = (|| {
                let mut fresh = Connection::open_in_memory()?;
                migrate(&mut fresh, &path)?;
                super::copy::all(&fresh, connection)
            })();
            // Nobody may wait any more; the work is done all the same.
            let _ = waiting.send(done);
        })))?;
        told.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Does work that only reads, on a snapshot.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&dyn Unit) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let _turn = self
            .0
            .reading
            .acquire()
            .await
            .map_err(|_| StoreError::Closed)?;
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let pooled = inner
                .readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let connection = match pooled {
                Some(connection) => connection,
                None => open_reader(&inner.path)?,
            };
            let result = (|| {
                let snapshot = connection
                    .unchecked_transaction()
                    .map_err(StoreError::from)?;
                work(&Sqlite(&snapshot))
            })();
            inner
                .readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            result
        })
        .await
        .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Ends the writer after what is queued; later work is refused.
    pub(crate) fn close(&self) {
        self.0
            .orders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let writer = self
            .0
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // It ends when the queue is empty; a panic in it has already been told to its callers.
            let _ = writer.join();
        }
    }
}

/// Keeps other servers out of the folder: what one has at work, another one would take for left
/// behind. A server that is about to end gets a moment.
pub(super) fn lock(path: &Path) -> Result<File> {
    let path = path.with_extension("lock");
    let io = |source| StoreError::io(&path, source);
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(io)?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    path: path.display().to_string(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
    }
}

fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "busy_timeout", 2_000)?;
    Ok(connection)
}

/// The schema that this version writes.
pub(super) fn known_schema() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The schema of a database.
pub(super) fn schema(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let (found, known) = (schema(connection)?, known_schema());
    if found > known {
        return Err(StoreError::TooNew {
            path: path.display().to_string(),
            found,
            known,
        });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (index, step) in MIGRATIONS.iter().enumerate().skip(done) {
        let unit = connection.transaction()?;
        unit.execute_batch(step)?;
        unit.pragma_update(
            None,
            "user_version",
            i64::try_from(index + 1).unwrap_or(i64::MAX),
        )?;
        unit.commit()?;
    }
    Ok(())
}

fn write_loop(connection: &mut Connection, orders: &mpsc::Receiver<Order>) {
    connection.set_prepared_statement_cache_capacity(64);
    while let Ok(first) = orders.recv() {
        let (mut group, mut alone, mut next) = (Vec::new(), None, Some(first));
        while let Some(order) = next {
            match order {
                Order::Write(job) => group.push(job),
                Order::Alone(work) => alone = Some(work),
            }
            let full = group.len() >= GROUP || alone.is_some();
            next = if full { None } else { orders.try_recv().ok() };
        }
        write_all(connection, group);
        if let Some(work) = alone {
            // A panic must cost its own caller the answer, not everybody the writer.
            let _ = catch_unwind(AssertUnwindSafe(|| work(connection)));
        }
    }
    // So that the one file is the whole database when nobody uses it.
    if let Err(error) = connection.pragma_update(None, "wal_checkpoint", "truncate") {
        tracing::debug!(%error, "the log could not be folded into the database");
    }
}

/// Commits the writes together, and tells who waits.
fn write_all(connection: &mut Connection, mut group: Vec<Box<dyn Job>>) {
    if group.is_empty() {
        return;
    }
    let failure = write_group(connection, &mut group)
        .err()
        .map(|error| error.to_string());
    if let Some(message) = &failure {
        let (path, writes) = (connection.path().unwrap_or_default(), group.len());
        tracing::error!(path, %message, writes, "the database could not be written");
    }
    for job in group {
        job.tell(match &failure {
            None => Ok(()),
            Some(message) => Err(StoreError::Commit(message.clone())),
        });
    }
}

/// Runs the jobs in one transaction, each in its own savepoint.
fn write_group(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    let mut group =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for job in jobs {
        let savepoint = group.savepoint()?;
        if job.run(&Sqlite(&savepoint)) {
            savepoint.commit()?;
        }
        // Dropping a savepoint that was not committed undoes it.
    }
    group.commit()?;
    Ok(())
}

//! Tasks and threads. A browser has one thread for all of it, and what belongs to that thread
//! cannot be `Send`; natively everything is, because runtimes move tasks between threads.

use std::pin::Pin;

/// A future in a box, so that traits with asynchronous methods can be used as objects. `Send`,
/// except in a browser.
#[cfg(not(target_family = "wasm"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A future in a box, so that traits with asynchronous methods can be used as objects. `Send`,
/// except in a browser.
#[cfg(target_family = "wasm")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// [`Send`]; in a browser, anything. Nobody has to implement it.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send + ?Sized> MaybeSend for T {}
/// [`Send`]; in a browser, anything. Nobody has to implement it.
#[cfg(target_family = "wasm")]
pub trait MaybeSend {}
#[cfg(target_family = "wasm")]
impl<T: ?Sized> MaybeSend for T {}

/// [`Sync`]; in a browser, anything. Nobody has to implement it.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSync: Sync {}
#[cfg(not(target_family = "wasm"))]
impl<T: Sync + ?Sized> MaybeSync for T {}
/// [`Sync`]; in a browser, anything. Nobody has to implement it.
#[cfg(target_family = "wasm")]
pub trait MaybeSync {}
#[cfg(target_family = "wasm")]
impl<T: ?Sized> MaybeSync for T {}

/// Lets work go on that nobody waits for. Without a runtime there is nothing that could do it, and
/// it is dropped.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Lets work go on that nobody waits for.
#[cfg(target_family = "wasm")]
pub(crate) fn in_background(work: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(work);
}

//! The answer of a server while its body is read.

#[cfg(not(target_family = "wasm"))]
pub(crate) use reqwest::Response as Incoming;

#[cfg(not(target_family = "wasm"))]
pub(crate) fn incoming(response: reqwest::Response) -> Incoming {
    response
}

#[cfg(target_family = "wasm")]
pub(crate) use browser::{Incoming, incoming};

/// What a browser gives can be read as a whole or as a stream, but not piece by piece; this can.
#[cfg(target_family = "wasm")]
mod browser {
    use bytes::{Bytes, BytesMut};
    use futures_util::TryStreamExt;
    use futures_util::stream::LocalBoxStream;
    use reqwest::Result;

    pub(crate) struct Incoming(LocalBoxStream<'static, Result<Bytes>>);

    pub(crate) fn incoming(response: reqwest::Response) -> Incoming {
        Incoming(Box::pin(response.bytes_stream()))
    }

    impl Incoming {
        pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
            self.0.try_next().await
        }

        pub(crate) async fn bytes(mut self) -> Result<Bytes> {
            let mut body = BytesMut::new();
            while let Some(chunk) = self.chunk().await? {
                body.extend_from_slice(&chunk);
            }
            Ok(body.freeze())
        }
    }
}

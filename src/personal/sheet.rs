//! The document of an export, written as it is read and handed over piece by piece, so that it is never held whole.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::persistence::{Rows, StoreError};

/// How much is gathered before it is handed over.
const CHUNK_BYTES: usize = 64 * 1_024;

/// A piece of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its bytes.
    pub bytes: Bytes,
    /// True if nothing follows. A document without such a piece is not whole.
    pub last: bool,
}

/// Why a document was not written to its end.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// What belongs into it could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row could not be written.
    #[error("a row cannot be written: {0}")]
    Row(#[from] serde_json::Error),
    /// Whoever read it has gone.
    #[error("nobody reads it any more")]
    Gone,
}

/// A JSON object: a member for each part of the hub, in it a list for each table.
#[derive(Debug)]
pub struct Sheet {
    chunks: mpsc::Sender<Chunk>,
    buffer: Vec<u8>,
    /// False until the object, or the one of the part, has a member.
    begun: bool,
}

impl Sheet {
    /// An empty document, which waits whenever `chunks` is full.
    pub fn new(chunks: mpsc::Sender<Chunk>) -> Self {
        Self { chunks, buffer: b"{".to_vec(), begun: false }
    }

    /// Writes a member.
    pub fn value(&mut self, name: &'static str, value: &impl Serialize) -> Result<(), Unwritten> {
        self.name(name)?;
        Ok(serde_json::to_writer(&mut self.buffer, value)?)
    }

    /// Begins the member of a part.
    pub fn begin(&mut self, name: &'static str) -> Result<(), Unwritten> {
        self.name(name)?;
        self.buffer.push(b'{');
        self.begun = false;
        Ok(())
    }

    /// Writes a list of the part.
    pub async fn list<T: Serialize>(&mut self, name: &'static str, mut rows: Rows<'_, T>) -> Result<(), Unwritten> {
        self.name(name)?;
        self.buffer.push(b'[');
        let mut first = true;
        while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
            if !std::mem::take(&mut first) {
                self.buffer.push(b',');
            }
            serde_json::to_writer(&mut self.buffer, &row)?;
            if self.buffer.len() >= CHUNK_BYTES {
                self.hand_over(false).await?;
            }
        }
        self.buffer.push(b']');
        Ok(())
    }

    /// Ends the member of a part.
    pub fn end(&mut self) {
        self.buffer.push(b'}');
        self.begun = true;
    }

    /// Ends the document.
    pub async fn close(mut self) -> Result<(), Unwritten> {
        self.buffer.push(b'}');
        self.hand_over(true).await
    }

    fn name(&mut self, name: &'static str) -> Result<(), Unwritten> {
        if std::mem::replace(&mut self.begun, true) {
            self.buffer.push(b',');
        }
        serde_json::to_writer(&mut self.buffer, name)?;
        self.buffer.push(b':');
        Ok(())
    }

    async fn hand_over(&mut self, last: bool) -> Result<(), Unwritten> {
        let bytes = std::mem::take(&mut self.buffer).into();
        self.chunks.send(Chunk { bytes, last }).await.map_err(|_| Unwritten::Gone)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};
    use serde_json::{Value, json};

    use super::*;

    fn rows(texts: Vec<String>) -> Rows<'static, String> {
        stream::iter(texts.into_iter().map(Ok)).boxed()
    }

    #[tokio::test]
    async fn a_document_is_written_in_pieces_that_make_one() {
        let (chunks, mut written) = mpsc::channel(1);
        let long = "x".repeat(1_000);
        let many = vec![long.clone(); 1_000];
        let writing = tokio::spawn(async move {
            let mut sheet = Sheet::new(chunks);
            sheet.value("id", &7)?;
            sheet.begin("a")?;
            sheet.list("none", rows(Vec::new())).await?;
            sheet.list("many", rows(many)).await?;
            sheet.end();
            sheet.begin("b")?;
            sheet.end();
            sheet.begin("c")?;
            sheet.list("one", rows(vec!["\"quoted\"".to_owned()])).await?;
            sheet.end();
            sheet.close().await
        });
        let (mut document, mut pieces, mut ended) = (Vec::new(), 0, false);
        while let Some(chunk) = written.recv().await {
            assert!(chunk.bytes.len() < CHUNK_BYTES + 2 * long.len(), "{} bytes at once", chunk.bytes.len());
            assert!(!ended, "nothing follows the last");
            document.extend_from_slice(&chunk.bytes);
            (pieces, ended) = (pieces + 1, chunk.last);
        }
        writing.await.unwrap().unwrap();
        assert!(ended && pieces > 10, "{pieces}");
        let document: Value = serde_json::from_slice(&document).unwrap();
        let expected =
            json!({"id": 7, "a": {"none": [], "many": vec![long; 1_000]}, "b": {}, "c": {"one": ["\"quoted\""]}});
        assert_eq!(document, expected);
    }

    #[tokio::test]
    async fn who_has_gone_is_not_written_for() {
        let (chunks, written) = mpsc::channel(1);
        drop(written);
        let sheet = Sheet::new(chunks);
        assert!(matches!(sheet.close().await, Err(Unwritten::Gone)));
    }
}

//! Making exports: read in one transaction, as of one moment, and handed on while it is read. None is ever held whole, and
//! whoever takes too long is cut off.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Deed, Privacy};
use crate::auth::Caller;
use crate::clock::WireTime;
use crate::domain::{AccountId, Timestamp};
use crate::http::{ApiError, RequestId};
use crate::personal::{Chunk, Sheet, Unwritten};

/// How long an export may take, which is how long what the database clears away meanwhile stays.
const EXPORT_LIMIT: Duration = Duration::from_secs(60);
/// How long it is waited for others to be done.
const PLACE_PATIENCE: Duration = Duration::from_secs(1);
/// How many pieces wait for a reader.
const CHUNKS_MAX: usize = 2;

impl Privacy {
    /// All that is kept of an account, as of one moment: a member for each part. It is whole if it ends well.
    pub(super) async fn export(&self, by: AccountId, account: AccountId) -> Result<Body, ApiError> {
        self.parts().limits.exports_by_account.check(&by)?;
        let place = timeout(PLACE_PATIENCE, self.0.exports.clone().acquire_owned()).await.map_err(|_| busy())?;
        let place = place.map_err(ApiError::internal)?;
        let (chunks, mut written) = mpsc::channel(CHUNKS_MAX);
        let (this, stop, at) = (self.clone(), self.parts().tasks.shutdown().clone(), self.now());
        self.parts().tasks.spawn(async move {
            let writing = timeout(EXPORT_LIMIT, this.write(account, at, Sheet::new(chunks)));
            match stop.run_until_cancelled(writing).await {
                None | Some(Ok(Ok(()) | Err(Unwritten::Gone))) => {}
                Some(Ok(Err(error))) => tracing::error!(%error, "an export could not be made: {error}"),
                Some(Err(_)) => tracing::warn!("an export was cut off after {} s", EXPORT_LIMIT.as_secs()),
            }
            drop(place);
        });
        // Read before anything is said, so that what cannot be read is a problem.
        let first = written.recv().await;
        let first = first.ok_or_else(|| ApiError::unavailable("the export could not be made; try again"))?;
        Ok(Body::from_stream(stream::try_unfold((Some(first), written), |(chunk, written)| next(chunk, written))))
    }

    /// What staff reads of somebody, which the trail has before anything is read.
    pub(super) async fn export_of(
        &self,
        caller: &Caller,
        account: AccountId,
        request: RequestId,
    ) -> Result<Body, ApiError> {
        self.check_rank(caller, account).await?;
        let (actor, at) = (caller.account(), self.now());
        let deed = Deed { actor, at, action: "export_user", account, reason: None, request: request.0 };
        let mut tx = self.parts().db.begin().await?;
        self.parts().trail.record(&mut tx, &deed).await?;
        tx.commit().await?;
        self.export(actor, account).await
    }

    async fn write(&self, account: AccountId, at: Timestamp, mut sheet: Sheet) -> Result<(), Unwritten> {
        sheet.value("exported_at", &WireTime(at))?;
        sheet.value("id", &account.0)?;
        let mut tx = self.parts().db.snapshot().await?;
        for keeper in self.parts().keepers.iter() {
            sheet.begin(keeper.name())?;
            keeper.export(&mut tx, account, &mut sheet).await?;
            sheet.end();
        }
        drop(tx);
        sheet.close().await
    }
}

/// A piece of the document, and what is read after it. One that ends before its end is an error, which whoever reads it sees.
async fn next(
    chunk: Option<Chunk>,
    mut written: mpsc::Receiver<Chunk>,
) -> Result<Option<(Bytes, (Option<Chunk>, mpsc::Receiver<Chunk>))>, std::io::Error> {
    let Some(Chunk { bytes, last }) = chunk else { return Ok(None) };
    if last {
        return Ok(Some((bytes, (None, written))));
    }
    let following = written.recv().await.ok_or_else(|| std::io::Error::other("the export was cut off"))?;
    Ok(Some((bytes, (Some(following), written))))
}

fn busy() -> ApiError {
    let detail = "as many exports are being made as may be at once";
    ApiError::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "busy", detail).with("retry", true).retry_after_s(2)
}

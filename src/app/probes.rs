//! What must answer for the hub to be ready, asked for real each time.

use crate::clock::Clock;
use crate::features::accounts;
use crate::http::Probe;
use crate::hub::Hub;
use crate::persistence::Db;
use crate::projection::Progress;

/// What must answer for the hub to be ready.
pub(super) fn probes(db: &Db, hub: &Hub, progress: &Progress, clock: &Clock) -> Vec<Probe> {
    let (db, journal, progress, clock) = (db.clone(), hub.journal.clone(), progress.clone(), clock.clone());
    let (bus, archiver) = (hub.bus.clone(), hub.archiver().cloned());
    let database = Probe::new("database", move || {
        let db = db.clone();
        async move { accounts::probe(&db).await.map_err(|error| error.to_string()) }
    });
    let journal = Probe::new("journal", move || {
        let journal = journal.clone();
        async move { journal.probe().await.map_err(|error| error.to_string()) }
    });
    let projections = Probe::new("projections", move || {
        let behind = progress.check(clock.now());
        async move { behind }
    });
    let bus = Probe::new("bus", move || {
        let bus = bus.clone();
        async move { bus.probe().await.map_err(|error| error.to_string()) }
    });
    let archive = archiver.map(|archiver| {
        Probe::new("archive", move || {
            let behind = archiver.check();
            async move { behind }
        })
    });
    [database, journal, projections, bus].into_iter().chain(archive).collect()
}

//! Memory of idle connections that have joined a room.

use crate::process::Process;
use crate::{Plan, clients, median};

const CONNECTIONS: usize = 5_000;
const BOUND_BYTES: f64 = 10.0 * 1_024.0;

pub async fn run(plan: Plan) {
    println!("memory of the hub for each of {CONNECTIONS} idle connections that have joined");
    let mut figures = Vec::new();
    for _ in 0..plan.rounds {
        let hub = Process::hub();
        let auction = clients::auction(&hub.address).await;
        // What the first few make the hub load is not theirs.
        let mut sockets = Vec::with_capacity(CONNECTIONS + 100);
        for _ in 0..100 {
            let mut socket = clients::connect(&hub.address, None).await;
            clients::join(&mut socket, &auction).await;
            sockets.push(socket);
        }
        let before = hub.settled_memory_bytes().await;
        for _ in 0..CONNECTIONS {
            let mut socket = clients::connect(&hub.address, None).await;
            clients::join(&mut socket, &auction).await;
            sockets.push(socket);
        }
        figures.push((hub.settled_memory_bytes().await - before) / CONNECTIONS as f64);
    }
    let bytes = median(figures);
    println!(
        "  resident bytes                               {bytes:>10.0}   {:.2} of the bound of 10 KiB",
        bytes / BOUND_BYTES
    );
}

//! What all leases and every bus promise, asked of each adapter.

use std::sync::Arc;

use bidhub::coordination::local::{LocalBus, LocalLeases};
use bidhub::coordination::{Bus, LeaseError, Leases, NoteIds, Notice, SessionId};
use bidhub::domain::AccountId;
use bidhub::journal::Lease;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{World, auction, node, soon};

async fn leases_keep_the_contract(leases: &dyn Leases) {
    let (one, two) = (auction(1), auction(2));
    let first = leases.acquire(one, 0).await.unwrap();
    assert!(first.speaks());
    assert_eq!(first.lease.holder, node(1).0);
    assert_eq!(leases.owner(one).await, Ok(Some(node(1))));
    let again = leases.acquire(one, 0).await.unwrap();
    assert!(again.speaks(), "a node may take anew what it holds");
    let other = leases.acquire(two, 0).await.unwrap();
    assert!(other.speaks());
    leases.attend(two, bidhub::domain::Timestamp::from_millis(5)).await.unwrap();
    leases.release(one, &again, None).await;
    leases.release(one, &again, None).await;
    let back = leases.acquire(one, 0).await.unwrap();
    assert!(back.speaks() && leases.owner(one).await == Ok(Some(node(1))));
    assert_eq!(leases.task("sweep").await, Ok(true));
    assert_eq!(leases.task("sweep").await, Ok(true), "it stays this node's");
}

async fn a_bus_keeps_the_contract(bus: &dyn Bus) {
    assert_eq!(bus.node(), node(1));
    assert_eq!(*bus.members(), [node(1)]);
    soon(bus.probe()).await.unwrap();
    let mut notices = [bus.subscribe(), bus.subscribe()];
    let said = [
        Notice::SessionEnded(SessionId([9; 32])),
        Notice::AccountEnded(AccountId(Uuid::from_u128(4))),
        Notice::SessionEnded(SessionId([8; 32])),
        Notice::PushNotes(NoteIds::new(7, 5)),
        Notice::NotesWritten,
    ];
    for notice in said {
        bus.publish(notice).await.unwrap();
    }
    for notices in &mut notices {
        for notice in said {
            assert_eq!(soon(notices.recv()).await, Ok(notice));
        }
    }
    let mut told = bus.told().unwrap();
    assert!(bus.told().is_none(), "one receiver alone");
    for text in ["one", "two", "three"] {
        bus.tell(node(1), Bytes::from(text)).await.unwrap();
    }
    for text in ["one", "two", "three"] {
        assert_eq!(soon(told.recv()).await, Some((node(1), Bytes::from(text))));
    }
    assert!(bus.tell(node(77), Bytes::from("nobody")).await.is_err(), "an unknown node is surely not told");
}

#[tokio::test]
async fn local_leases_keep_the_contract_until_the_process_loses_its_place() {
    let lost = CancellationToken::new();
    let leases = LocalLeases::new(Lease { epoch: 1, holder: node(1).0, nonce: 1 }, lost.clone());
    leases_keep_the_contract(&leases).await;
    lost.cancel();
    assert_eq!(leases.acquire(auction(1), 0).await.map(|it| it.lease), Err(LeaseError::Lost));
}

#[tokio::test]
async fn leases_in_redis_keep_the_contract() {
    let Some(world) = World::new().await else { return };
    let (leases, _stop) = world.leases(node(1));
    leases_keep_the_contract(&leases).await;
}

#[tokio::test]
async fn the_local_bus_keeps_the_contract() {
    a_bus_keeps_the_contract(&LocalBus::new(node(1))).await;
}

#[tokio::test]
async fn the_bus_by_redis_keeps_the_contract() {
    let Some(world) = World::new().await else { return };
    let (bus, stop) = world.bus(node(1)).await;
    let bus: Arc<dyn Bus> = bus;
    a_bus_keeps_the_contract(&*bus).await;
    stop.cancel();
}

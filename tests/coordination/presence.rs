//! Who is there, who is leaving, and who has died.

use std::collections::HashSet;

use bidhub::coordination::Bus;
use bidhub::coordination::redis::nodes;
use bidhub::domain::NodeId;

use crate::world::{World, node, until};

fn members(bus: &dyn Bus) -> HashSet<NodeId> {
    bus.members().iter().copied().collect()
}

#[tokio::test]
async fn nodes_see_each_other_until_one_leaves_or_dies() {
    let Some(world) = World::new().await else { return };
    let ((ada, stop_ada), (bob, stop_bob)) = (world.bus(node(1)).await, world.bus(node(2)).await);
    let (carol, stop_carol) = world.bus(node(3)).await;
    for bus in [&ada, &bob, &carol] {
        until("all are seen", async || members(&**bus) == HashSet::from([node(1), node(2), node(3)])).await;
    }
    let known = nodes(&world.redis).await.unwrap();
    assert_eq!(known.len(), 3);
    assert!(known.iter().all(|it| !it.draining && it.figures.rooms_owned == 3 && it.name.as_deref() == Some("ada")));
    bob.leave().await;
    assert!(!members(&*bob).contains(&node(2)), "it knows at once");
    until("the others know", async || members(&*ada) == HashSet::from([node(1), node(3)])).await;
    let known = nodes(&world.redis).await.unwrap();
    let draining: Vec<_> = known.iter().filter(|it| it.draining).map(|it| NodeId(it.id)).collect();
    assert_eq!((known.len(), draining), (3, vec![node(2)]));
    stop_carol.cancel();
    until("the dead one is gone", async || members(&*ada) == HashSet::from([node(1)])).await;
    stop_bob.cancel();
    until("only one is left", async || nodes(&world.redis).await.unwrap().len() == 1).await;
    stop_ada.cancel();
}

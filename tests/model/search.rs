//! How a model is searched, and what is said of it.

use std::time::Instant;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

use crate::hub::Hub;

/// Looks at every state that `hub` can get into. Fails if a promise is broken in one, or if something that should be
/// possible never is.
pub fn holds(name: &str, hub: Hub) {
    let started = Instant::now();
    let checker = hub.checker().threads(2).spawn_bfs().join();
    println!(
        "{name}: {} states, {} steps between them, {} deep, all searched in {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f32()
    );
    let found = checker.discoveries();
    for property in hub.properties() {
        let path = found.get(property.name);
        match property.expectation {
            Expectation::Sometimes => assert!(path.is_some(), "{name}: never: {}", property.name),
            _ => assert!(path.is_none(), "{name}: broken: {}: {}", property.name, story(path)),
        }
    }
    assert!(checker.is_done(), "{name}: not all was searched");
}

/// Looks for a way in which `hub` breaks a promise, the short ones first, and tells it.
pub fn breaks(name: &str, hub: Hub, property: &'static str) {
    let finish = HasDiscoveries::AnyOf([property].into());
    let checker = hub.checker().finish_when(finish).spawn_bfs().join();
    let path = checker.discovery(property);
    let states = checker.unique_state_count();
    let Some(steps) = path.as_ref().map(|path| path.clone().into_actions().len()) else {
        panic!("{name}: {states} states and in none is this broken: {property}");
    };
    println!("{name}: broken in {steps} steps ({states} states): {property}: {}", story(path.as_ref()));
}

fn story<S: Clone, A: Clone + std::fmt::Debug>(path: Option<&Path<S, A>>) -> String {
    let actions = path.map(|path| path.clone().into_actions()).unwrap_or_default();
    actions.iter().map(|action| format!("{action:?}")).collect::<Vec<_>>().join(" → ")
}

//! Who is there: each node says so every second, and counts as gone when it has not for three.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ::redis::{Script, cmd};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{NOTHING, keys, lua, millis};
use crate::clock::WireTime;
use crate::domain::NodeId;
use crate::persistence::RedisError;
use crate::persistence::redis::Redis;

/// A node counts as gone after so many beats that it did not say it is there.
const LIFE_IN_BEATS: u32 = 3;

/// What a node is busy with.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// How many rooms it runs.
    pub rooms_owned: u64,
    /// Which, up to 1,000 of them.
    pub rooms: Vec<Uuid>,
    /// How many rooms it follows.
    pub rooms_followed: u64,
    /// How many WebSocket connections it has.
    pub connections: u64,
    /// How many events the slowest projection is behind, as far as this node knows.
    pub projection_lag_events: u64,
    /// How many events wait for the archive, as far as this node knows.
    pub archive_lag_events: u64,
}

/// What a node says of itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its id, new with each start.
    pub id: Uuid,
    /// Its name, for people.
    pub name: Option<String>,
    /// The version of its program.
    pub version: String,
    /// When it started.
    pub started_at: WireTime,
    /// True if it takes no rooms any more.
    pub draining: bool,
    /// What it is busy with.
    #[serde(flatten)]
    pub figures: Figures,
}

/// All nodes that are there, those about to leave among them.
pub async fn nodes(redis: &Redis) -> Result<Vec<NodeInfo>, RedisError> {
    let living = lua!("living");
    let mut nodes = Vec::new();
    for list in [keys::NODES, keys::LEAVING] {
        let ids: Vec<String> = redis.script(&living, &[list], NOTHING).await?;
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            let text: Option<String> = redis.run(cmd("GET").arg(keys::node(id))).await?;
            nodes.extend(text.and_then(|text| serde_json::from_str::<NodeInfo>(&text).ok()));
        }
    }
    nodes.sort_by_key(|node| (node.started_at, node.id));
    Ok(nodes)
}

/// What gives a node's figures when it is about to say them.
pub type FiguresNow = Arc<dyn Fn() -> Figures + Send + Sync>;

/// This node among the others.
pub(super) struct Presence {
    redis: Redis,
    about: NodeInfo,
    figures: FiguresNow,
    life: Duration,
    leaving: AtomicBool,
    members: RwLock<Arc<[NodeId]>>,
    /// Held while this node says that it is there, so that the last word is the last one.
    saying: tokio::sync::Mutex<()>,
    present: Script,
    living: Script,
}

impl Presence {
    /// Of the node `about`, which says that it is there every `beat`.
    pub fn new(redis: Redis, about: NodeInfo, figures: FiguresNow, beat: Duration) -> Self {
        Self {
            redis,
            members: RwLock::new([NodeId(about.id)].into()),
            about,
            figures,
            life: beat * LIFE_IN_BEATS,
            leaving: AtomicBool::new(false),
            saying: Default::default(),
            present: lua!("present"),
            living: lua!("living"),
        }
    }

    /// The nodes that take rooms, as last read.
    pub fn members(&self) -> Arc<[NodeId]> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that this node is there.
    pub async fn beat(&self) {
        let _alone = self.saying.lock().await;
        if let Err(error) = self.say().await {
            tracing::warn!(%error, "this node could not say that it is there: {error}");
        }
    }

    /// Reads who else is.
    pub async fn look(&self) {
        match self.redis.script::<Vec<String>>(&self.living, &[keys::NODES], NOTHING).await {
            Ok(ids) => self.set(ids.iter().filter_map(|id| id.parse().ok()).collect()),
            Err(error) => tracing::debug!(%error, "who is there is not known anew: {error}"),
        }
    }

    /// This node takes no rooms any more.
    pub async fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        self.set(self.members().to_vec());
        self.beat().await;
    }

    /// The node ends. Unless it was leaving, it says nothing: whoever dies does not either.
    pub async fn end(&self) {
        if !self.leaving.load(Ordering::SeqCst) {
            return;
        }
        let _alone = self.saying.lock().await;
        let id = self.about.id.to_string();
        let _: Result<i64, _> = self.redis.run(cmd("ZREM").arg(keys::LEAVING).arg(&id)).await;
        let _: Result<i64, _> = self.redis.run(cmd("DEL").arg(keys::node(NodeId(self.about.id)))).await;
    }

    async fn say(&self) -> Result<(), RedisError> {
        let draining = self.leaving.load(Ordering::SeqCst);
        let id = self.about.id.to_string();
        if draining {
            self.redis.run::<i64>(cmd("ZREM").arg(keys::NODES).arg(&id)).await?;
        }
        let info = NodeInfo { draining, figures: (self.figures)(), ..self.about.clone() };
        let text = serde_json::to_string(&info).unwrap_or_default();
        let life = millis(self.life);
        self.redis.run::<()>(cmd("SET").arg(keys::node(NodeId(info.id))).arg(text).arg("PX").arg(life)).await?;
        let list = if draining { keys::LEAVING } else { keys::NODES };
        self.redis.script::<i64>(&self.present, &[list], (&id, life)).await?;
        Ok(())
    }

    fn set(&self, mut members: Vec<NodeId>) {
        let own = NodeId(self.about.id);
        members.retain(|node| *node != own);
        if !self.leaving.load(Ordering::SeqCst) {
            members.push(own);
        }
        *self.members.write().unwrap_or_else(PoisonError::into_inner) = members.into();
    }
}

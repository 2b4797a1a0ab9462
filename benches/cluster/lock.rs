//! One hot auction on two nodes, against a hub of two processes that takes a lock for each bid, and against a bare echo by
//! way of both processes.

use std::time::Duration;

use crate::load::{BIDDERS, Crowd, Pace, Tally, Target, WATCHERS};
use crate::process::Process;
use crate::servers::{self, Redis};
use crate::{Plan, clients, median};

/// Bids that each bidder has under way.
const UNDER_WAY: [usize; 2] = [1, 8];

/// What one server did in one round, and what it used for it.
struct Round {
    tally: Tally,
    deliveries: f64,
    /// Cores in use: by the two processes, by Redis.
    cores: [f64; 2],
}

/// The rounds of one server under one pace.
#[derive(Default)]
struct Rounds(Vec<Round>);

impl Rounds {
    fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(figure).collect())
    }

    fn verdicts(&self) -> f64 {
        self.median(|round| round.tally.verdicts())
    }

    fn accepted(&self) -> f64 {
        self.median(|round| round.tally.acceptances())
    }

    fn print(&self, name: &str) {
        let (p50, p99) = (self.median(|it| it.tally.quantile_ms(0.5)), self.median(|it| it.tally.quantile_ms(0.99)));
        println!(
            "    {name:<24} {:>8.0} verdicts/s, {:>7.0} accepted/s, p50 {p50:>6.2} ms, p99 {p99:>6.2} ms, {:>7.0} deliveries/s, cores {:.2} + Redis {:.2}",
            self.verdicts(),
            self.accepted(),
            self.median(|it| it.deliveries),
            self.median(|it| it.cores[0]),
            self.median(|it| it.cores[1]),
        );
        let undecided: u64 = self.0.iter().map(|it| it.tally.undecided).sum();
        if let Some(first) = self.0.iter().find_map(|it| it.tally.first_undecided.as_ref()) {
            println!("      {undecided} not decided, the first: {first}");
        }
    }
}

/// Two processes around a Redis, under load.
struct Pair {
    crowd: Crowd,
    processes: Vec<Process>,
    redis: Redis,
    /// Ends after those who use it.
    _database: Option<Box<dyn Send>>,
}

impl Pair {
    /// Nodes of the hub.
    async fn nodes() -> Self {
        let (redis, database) = (Redis::start().await, servers::postgres().await);
        let processes = servers::nodes(&redis, &database.url(), 2).await;
        let auction = clients::auction(&processes[0].address).await;
        Self::gather(processes, redis, Target::Auction(auction), Some(Box::new(database))).await
    }

    /// A hub that takes a lock for each bid.
    async fn locks() -> Self {
        let (processes, redis) = Self::bare("locks").await;
        let auction = clients::auction(&processes[0].address).await;
        Self::gather(processes, redis, Target::Auction(auction), None).await
    }

    /// An echo by way of the other process.
    async fn echo() -> Self {
        let (processes, redis) = Self::bare("echo").await;
        Self::gather(processes, redis, Target::Echo, None).await
    }

    async fn bare(role: &str) -> (Vec<Process>, Redis) {
        let redis = Redis::start().await;
        ((0..2).map(|number| Process::bare(role, number, &redis)).collect(), redis)
    }

    async fn gather(processes: Vec<Process>, redis: Redis, target: Target, database: Option<Box<dyn Send>>) -> Self {
        let addresses: Vec<&str> = processes.iter().map(|process| process.address.as_str()).collect();
        let crowd = Crowd::gather(&addresses, target).await;
        Self { crowd, processes, redis, _database: database }
    }

    fn cpu_s(&self) -> [f64; 2] {
        [self.processes.iter().map(Process::cpu_s).sum(), self.redis.cpu_s()]
    }

    async fn measure(&mut self, pace: Pace, time: Duration) -> Round {
        let (deliveries, cpu, started) = (self.crowd.deliveries(), self.cpu_s(), std::time::Instant::now());
        let tally = self.crowd.bid(pace, time).await;
        let (used, elapsed) = (self.cpu_s(), started.elapsed().as_secs_f64());
        let deliveries = (self.crowd.deliveries() - deliveries) as f64 / elapsed;
        Round { tally, deliveries, cores: [0, 1].map(|index| (used[index] - cpu[index]) / elapsed) }
    }
}

pub async fn run(plan: Plan) {
    println!("one hot auction on two nodes, {BIDDERS} bidders and {WATCHERS} watchers on both");
    let [mut echo, mut locks, mut nodes]: [[Rounds; 2]; 3] = Default::default();
    let [mut calm_echo, mut calm]: [Rounds; 2] = Default::default();
    for _ in 0..plan.rounds {
        let mut pair = Pair::locks().await;
        for (index, count) in UNDER_WAY.into_iter().enumerate() {
            locks[index].0.push(pair.measure(Pace::UnderWay(count), plan.time).await);
        }
        drop(pair);
        let mut pair = Pair::nodes().await;
        for (index, count) in UNDER_WAY.into_iter().enumerate() {
            nodes[index].0.push(pair.measure(Pace::UnderWay(count), plan.time).await);
        }
        drop(pair);
        // A fresh pair: what the load before has left to write down is not this one's.
        let half = nodes[1].verdicts() / 2.0;
        let mut pair = Pair::nodes().await;
        calm.0.push(pair.measure(Pace::PerSecond(half), plan.time).await);
        drop(pair);
        let mut pair = Pair::echo().await;
        for (index, count) in UNDER_WAY.into_iter().enumerate() {
            echo[index].0.push(pair.measure(Pace::UnderWay(count), plan.time).await);
        }
        calm_echo.0.push(pair.measure(Pace::PerSecond(half), plan.time).await);
    }
    for (index, count) in UNDER_WAY.into_iter().enumerate() {
        println!("  {count} under way each");
        echo[index].print("echo by both processes");
        locks[index].print("a lock for each bid");
        nodes[index].print("bidhub");
        println!(
            "    of a lock for each bid: {:.1} x the accepted, {:.1} x the verdicts; {:.2} of the echo",
            nodes[index].accepted() / locks[index].accepted(),
            nodes[index].verdicts() / locks[index].verdicts(),
            nodes[index].verdicts() / echo[index].verdicts(),
        );
    }
    println!("  at half of that load, sent whatever comes back, from when a bid was due");
    calm_echo.print("echo by both processes");
    calm.print("bidhub");
}

//! Stories about a hub: each is told on SQLite on a hub of its own, and all of a list after one another on one hub on
//! PostgreSQL. The people of a story have names of their own, for on PostgreSQL they live beside those of the others.

macro_rules! stories {
    ($($story:ident)+) => {
        $(
            mod $story {
                #[tokio::test]
                async fn on_sqlite() {
                    let hub = $crate::harness::Hub::start().await;
                    super::$story(&hub).await;
                    hub.stop().await;
                }
            }
        )+

        #[tokio::test]
        async fn every_story_on_postgresql() {
            let Some(server) = $crate::postgres::server::Server::start().await else { return };
            let database = |settings: &mut bidhub::config::Settings| settings.server.database_url = Some(server.url().into());
            let hub = $crate::harness::Hub::with(database).await;
            $($story(&hub).await;)+
            hub.stop().await;
        }
    };
}

pub(crate) use stories;

//! The list of settings. One line each: name and type, default, unit, variable, help.

use super::*;

settings! {
    /// Addresses, files, servers beside the hub, and who may come from where.
    Server, ServerFlags, "Server";
    values {
        listen: SocketAddr = "127.0.0.1:8080", "ADDRESS", "BIDHUB_LISTEN", "Address and port to listen on; port 0 takes a free one";
        data_dir: PathBuf = "./data", "DIRECTORY", "BIDHUB_DATA_DIR", "Where the embedded databases and uploaded files live";
        shutdown_timeout_ms: u32 = 10_000, "MILLISECONDS", "BIDHUB_SHUTDOWN_TIMEOUT_MS", "Longest time a graceful stop may take";
        request_timeout_ms: u32 = 30_000, "MILLISECONDS", "BIDHUB_REQUEST_TIMEOUT_MS", "Longest time one REST request may take";
        header_timeout_ms: u32 = 10_000, "MILLISECONDS", "BIDHUB_HEADER_TIMEOUT_MS", "Longest time until a request head is there, and that a connection is kept open for the next request; a proxy that keeps connections must let go of them sooner";
    }
    optional {
        database_url: SecretString, "URL", "BIDHUB_DATABASE_URL", "PostgreSQL database, postgres://…; without it an embedded SQLite database is used";
        redis_url: SecretString, "URL", "BIDHUB_REDIS_URL", "Redis, redis://…, rediss://…, redis-sentinel://… or redis-cluster://…: makes this process a node of a hub of many, with database_url";
        drain_ms: u32, "MILLISECONDS", "BIDHUB_DRAIN_MS", "Time over which a graceful stop sends its WebSocket clients elsewhere; 0 ends them at once; bounded by shutdown_timeout_ms [default: 3000 with redis_url, else 0]";
        public_url: String, "URL", "BIDHUB_PUBLIC_URL", "Address under which browsers reach the hub, for links in mail; https makes cookies secure [default: http:// and the address listened on]";
        operator_token: SecretString, "TOKEN", "BIDHUB_OPERATOR_TOKEN", "Bearer token that GET /metrics then asks for; without it metrics are open";
    }
    lists {
        trusted_proxies: IpNet, "CIDR,…", "BIDHUB_TRUSTED_PROXIES", "Networks of proxies whose X-Forwarded-For is believed [default: none]";
        allowed_origins: String, "ORIGIN,…", "BIDHUB_ALLOWED_ORIGINS", "Origins beside the hub's own whose pages may act with a cookie [default: none]";
        cors_origins: String, "ORIGIN,…", "BIDHUB_CORS_ORIGINS", "Origins whose pages may read the REST API [default: none]";
    }
}

settings! {
    /// How callers prove who they are.
    Auth, AuthFlags, "Callers";
    values {
        session_ttl_s: u32 = 2_592_000, "SECONDS", "BIDHUB_SESSION_TTL_S", "Life of a session";
    }
    optional {
        jwt_secret: SecretString, "SECRET", "BIDHUB_JWT_SECRET", "Secret under which foreign tokens are signed with HS256";
        jwt_public_key_file: PathBuf, "FILE", "BIDHUB_JWT_PUBLIC_KEY_FILE", "Public key in PEM for foreign tokens: an RSA key pins RS256, an Ed25519 key EdDSA";
        selling_role: String, "ROLE", "BIDHUB_SELLING_ROLE", "Role that an account needs to sell [default: every account may]";
    }
    lists {}
}

settings! {
    /// What one connection, and all together, may take.
    Connections, ConnectionsFlags, "Connections";
    values {
        rate_limits: Switch = "on", "on|off", "BIDHUB_RATE_LIMITS", "Limits on how often an address or account may call";
        max_connections: u32 = 100_000, "COUNT", "BIDHUB_MAX_CONNECTIONS", "WebSocket connections in all";
        max_connections_per_address: u32 = 256, "COUNT", "BIDHUB_MAX_CONNECTIONS_PER_ADDRESS", "WebSocket connections of one address (IPv6: of one /64 network)";
        max_rooms_per_connection: u32 = 64, "COUNT", "BIDHUB_MAX_ROOMS_PER_CONNECTION", "Rooms that one connection may be in";
        max_frame_bytes: u32 = 16_384, "BYTES", "BIDHUB_MAX_FRAME_BYTES", "Longest WebSocket message taken from a client";
        messages_per_second: u32 = 100, "COUNT", "BIDHUB_MESSAGES_PER_SECOND", "WebSocket messages that a connection may send each second";
        message_burst: u32 = 200, "COUNT", "BIDHUB_MESSAGE_BURST", "WebSocket messages that a connection may send at once";
        outbound_queue_bytes: u32 = 262_144, "BYTES", "BIDHUB_OUTBOUND_QUEUE_BYTES", "Room for what waits to be sent to a connection";
        ping_interval_s: u32 = 20, "SECONDS", "BIDHUB_PING_INTERVAL_S", "Silence after which a connection is pinged";
        pong_timeout_s: u32 = 20, "SECONDS", "BIDHUB_PONG_TIMEOUT_S", "Longest wait for the answer to a ping";
        write_timeout_ms: u32 = 30_000, "MILLISECONDS", "BIDHUB_WRITE_TIMEOUT_MS", "Longest time a write to a connection may stand still";
    }
    optional {}
    lists {}
}

settings! {
    /// How rooms run.
    Room, RoomFlags, "Rooms";
    values {
        mailbox_capacity: u32 = 4_096, "COUNT", "BIDHUB_MAILBOX_CAPACITY", "Commands that may wait in a room; one more is answered busy";
        max_loaded_rooms: u32 = 50_000, "COUNT", "BIDHUB_MAX_LOADED_ROOMS", "Rooms that may be in memory; those in which something falls due always may";
        batch_max: u32 = 512, "COUNT", "BIDHUB_BATCH_MAX", "Most commands committed together";
        idle_unload_s: u32 = 60, "SECONDS", "BIDHUB_IDLE_UNLOAD_S", "Time without watchers or commands after which a room leaves memory";
        bid_deadline_ms: u32 = 10_000, "MILLISECONDS", "BIDHUB_BID_DEADLINE_MS", "Longest time a bid may wait for its verdict";
        outage_grace_s: u32 = 60, "SECONDS", "BIDHUB_OUTAGE_GRACE_S", "Least time that is left to bid after an outage near the end of an auction";
    }
    optional {}
    lists {}
}

settings! {
    /// What is kept so that it need not be looked up.
    Cache, CacheFlags, "Cache";
    values {
        cache: Switch = "on", "on|off", "BIDHUB_CACHE", "A cache before lists, auctions and comments; on many nodes also in Redis";
        cache_mib: u32 = 64, "MIB", "BIDHUB_CACHE_MIB", "Memory that the cache of this process may take";
    }
    optional {}
    lists {}
}

settings! {
    /// How many nodes make one hub.
    Cluster, ClusterFlags, "Cluster";
    values {
        redis_replicas: u32 = 0, "COUNT", "BIDHUB_REDIS_REPLICAS", "Replicas of Redis that must have a bid at ack level replica";
        default_ack: DefaultAck = "redis", "redis|replica|sql", "BIDHUB_DEFAULT_ACK", "Who must have a bid before anyone hears of it, for auctions that do not say";
        lease_ttl_ms: u32 = 5_000, "MILLISECONDS", "BIDHUB_LEASE_TTL_MS", "Time after which another node takes the rooms of one that has fallen silent";
    }
    optional {
        redis_ca_file: PathBuf, "FILE", "BIDHUB_REDIS_CA_FILE", "Certificates in PEM that prove Redis over rediss:// [default: those of the web]";
        node_name: String, "NAME", "BIDHUB_NODE_NAME", "Name of this node for people; nodes know each other by ids [default: none]";
    }
    lists {}
}

settings! {
    /// How money comes in and goes out, how much of it anyone may bring, and what sales cost.
    Money, MoneyFlags, "Money";
    values {
        premium_bp: u16 = 0, "BASIS_POINTS", "BIDHUB_PREMIUM_BP", "What the winner pays beside the price, in hundredths of a percent of it, at most 5000; auctions keep what was set when they were created";
        commission_bp: u16 = 0, "BASIS_POINTS", "BIDHUB_COMMISSION_BP", "What the seller is not paid of the price, in hundredths of a percent of it, at most 5000; auctions keep what was set when they were created";
        payments: Payments = "test", "test|stripe", "BIDHUB_PAYMENTS", "Who moves money in and out; test credits amounts that nobody has paid";
        stripe_url: String = "https://api.stripe.com", "URL", "BIDHUB_STRIPE_URL", "Where the API of Stripe is";
        default_currency: IsoCurrency = "USD", "CURRENCY", "BIDHUB_DEFAULT_CURRENCY", "Currency of a wallet whose owner names none, by its code of ISO 4217";
    }
    optional {
        stripe_secret_key: SecretString, "KEY", "BIDHUB_STRIPE_SECRET_KEY", "Secret or restricted key of the account at Stripe, sk_… or rk_…; needed with payments = stripe";
        stripe_webhook_secret: SecretString, "SECRET", "BIDHUB_STRIPE_WEBHOOK_SECRET", "Secret of the webhook endpoint at Stripe, whsec_…; needed with payments = stripe";
        max_exposure: u64, "AMOUNT", "BIDHUB_MAX_EXPOSURE", "Most that a user may hold, in minor units of each currency [default: no limit]";
        daily_deposit_limit: u64, "AMOUNT", "BIDHUB_DAILY_DEPOSIT_LIMIT", "Most that a user may pay in within 24 hours, in minor units of each currency [default: no limit]";
    }
    lists {}
}

settings! {
    /// How mail leaves the hub.
    Mail, MailFlags, "Mail";
    values {
        mail_from: String = "bidhub <no-reply@localhost>", "ADDRESS", "BIDHUB_MAIL_FROM", "Sender of mail";
    }
    optional {
        smtp_url: SecretString, "URL", "BIDHUB_SMTP_URL", "Mail server, smtps://user:password@host or smtp://host; without it no mail is sent";
    }
    lists {}
}

settings! {
    /// What people are told.
    Notifications, NotificationsFlags, "Notifications";
    values {
        notifications_keep_days: u32 = 90, "DAYS", "BIDHUB_NOTIFICATIONS_KEEP_DAYS", "Time after which a notification is deleted, read or not";
    }
    optional {}
    lists {}
}

settings! {
    /// How much images are taken, and how much work is done on them.
    Images, ImagesFlags, "Images";
    values {
        image_max_bytes: u32 = 8_388_608, "BYTES", "BIDHUB_IMAGE_MAX_BYTES", "Longest file of an image taken";
        image_max_pixels: u32 = 32_000_000, "COUNT", "BIDHUB_IMAGE_MAX_PIXELS", "Most pixels of an image taken; working on one takes up to 12 bytes of memory for each";
        image_uploads_max: u32 = 16, "COUNT", "BIDHUB_IMAGE_UPLOADS_MAX", "Images of full length for which there is memory while they are received; beyond it the answer is busy";
        image_workers: u32 = 1, "COUNT", "BIDHUB_IMAGE_WORKERS", "Images that are worked on at once, each on a core of its own";
        image_quota_bytes: u64 = 268_435_456, "BYTES", "BIDHUB_IMAGE_QUOTA_BYTES", "Most bytes that the images of one account may have, as they are kept";
        image_unused_bytes: u64 = 20_971_520, "BYTES", "BIDHUB_IMAGE_UNUSED_BYTES", "Most bytes of images of one account that no auction shows";
        image_total_bytes: u64 = 4_294_967_296, "BYTES", "BIDHUB_IMAGE_TOTAL_BYTES", "Most bytes that the images of all accounts may have; 0 for no bound";
        image_cache_mib: u32 = 32, "MIB", "BIDHUB_IMAGE_CACHE_MIB", "Memory that images at hand of this process may take";
    }
    optional {}
    lists {}
}

settings! {
    /// What is kept of what customers do.
    Customers, CustomersFlags, "Customers";
    values {
        customers_snapshot_cron: Schedule = "*/10 * * * *", "CRON", "BIDHUB_CUSTOMERS_SNAPSHOT_CRON", "When it is written down what customers do: minute, hour, day of month, month, day of week, in UTC";
        customers_keep_days: u32 = 90, "DAYS", "BIDHUB_CUSTOMERS_KEEP_DAYS", "Time after which such a snapshot is deleted";
    }
    optional {}
    lists {}
}

settings! {
    /// Where events are sent that people outside want to hear of.
    Webhooks, WebhooksFlags, "Webhooks";
    values {
        webhooks_allow_http: Switch = "off", "on|off", "BIDHUB_WEBHOOKS_ALLOW_HTTP", "Endpoints without TLS, http://…";
        webhook_private_targets: Switch = "off", "on|off", "BIDHUB_WEBHOOK_PRIVATE_TARGETS", "Endpoints on this machine and in private networks: only where every account is trusted";
        webhook_waiting_max: u32 = 10_000, "COUNT", "BIDHUB_WEBHOOK_WAITING_MAX", "Deliveries that may wait for one endpoint; the oldest are given up for more";
    }
    optional {}
    lists {}
}

settings! {
    /// The stream of Amazon Kinesis that public events go into.
    Kinesis, KinesisFlags, "Kinesis";
    values {}
    optional {
        kinesis_stream: String, "NAME", "BIDHUB_KINESIS_STREAM", "Stream of Amazon Kinesis that the public events of all auctions go into; credentials and region come from the environment, AWS_REGION and its like; only in a program built with the feature aws";
        kinesis_endpoint_url: String, "URL", "BIDHUB_KINESIS_ENDPOINT_URL", "Where the service of that stream is, if not at Amazon's own address for the region";
    }
    lists {}
}

settings! {
    /// What is logged, and how.
    Log, LogFlags, "Log";
    values {
        log_format: LogFormat = "text", "text|json", "BIDHUB_LOG_FORMAT", "How a line of the log looks";
        log_filter: String = "info", "FILTER", "BIDHUB_LOG_FILTER", "What is logged: a level, or levels by module such as info,bidhub::room=debug";
        otlp_sample: f64 = 0.01, "PART", "BIDHUB_OTLP_SAMPLE", "Part of all bids that is followed by spans, 0 to 1";
    }
    optional {
        otlp_url: SecretString, "URL", "BIDHUB_OTLP_URL", "Collector that takes spans by OTLP over HTTP, http://host:4318; without it no bid is followed";
    }
    lists {}
}

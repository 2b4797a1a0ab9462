//! The `bidhub` program: reads the command line, starts the log, does what the subcommand says.

use std::process::ExitCode;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use bidhub::app;
use bidhub::cli::{self, Command, UserAddArgs, UserCommand};
use bidhub::config::{ConfigError, Settings};
use bidhub::env::Env;
use bidhub::features::accounts::{Added, user_add};
use bidhub::persistence::migrate;
use bidhub::{lifecycle, telemetry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a process exits with when it was started in a way that cannot work.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    let done = Settings::load(cli.flags).map_err(anyhow::Error::from).and_then(|settings| {
        telemetry::start_log(&settings.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run(cli.command.unwrap_or(Command::Serve), settings))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            let misconfigured = error.chain().any(|cause| cause.is::<ConfigError>());
            if misconfigured { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

async fn run(command: Command, settings: Settings) -> anyhow::Result<()> {
    match command {
        Command::Serve => serve(settings).await,
        Command::User(UserCommand::Add(args)) => add_user(settings, args).await,
    }
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let listen = settings.server.listen;
    let listener =
        tokio::net::TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
    let shutdown = CancellationToken::new();
    lifecycle::on_signal(shutdown.clone())?;
    say(format_args!("bidhub listens on http://{}", listener.local_addr()?));
    app::serve(listener, settings, Env::default(), shutdown).await
}

async fn add_user(settings: Settings, args: UserAddArgs) -> anyhow::Result<()> {
    let db = app::open_database(&settings).await?;
    migrate(&db).await?;
    let read = || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let name = args.display_name.as_deref();
    let added = user_add(&db, settings.password_cost, &args.email, name, &args.role, read).await?;
    db.close().await;
    match added {
        Added::Created(id) => {
            say(format_args!("created {id} ({}) with the role {}", args.email, args.role));
        }
        Added::Granted(id) => {
            say(format_args!("{id} ({}) has the role {} now; its password stays", args.email, args.role));
        }
    }
    Ok(())
}

/// Says one line on standard output. That nobody listens there is no reason to stop.
fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}

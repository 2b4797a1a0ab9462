//! A mail server that takes everything and keeps it, with as much SMTP as a client needs.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// The server; it ends with the test.
pub struct MailServer {
    pub url: String,
    mails: mpsc::UnboundedReceiver<String>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let (sender, mails) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(take(socket, sender.clone()));
            }
        });
        Self { url, mails }
    }

    /// The next mail, head and text.
    pub async fn next(&mut self) -> String {
        let limit = std::time::Duration::from_secs(20);
        tokio::time::timeout(limit, self.mails.recv()).await.expect("a mail in time").expect("the server runs")
    }

    /// The token in the link of the next mail, which must be to this page of the hub.
    pub async fn next_token(&mut self, page: &str) -> String {
        let mail = self.next().await;
        // Long lines are folded by quoted-printable.
        let text = mail.replace("=\r\n", "").replace("=3D", "=");
        let marker = format!("/{page}?token=");
        let (_, rest) = text.split_once(&marker).unwrap_or_else(|| panic!("a link to {page} in {text}"));
        rest.split_whitespace().next().expect("a token").to_owned()
    }
}

async fn take(socket: TcpStream, mails: mpsc::UnboundedSender<String>) -> std::io::Result<()> {
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push_str("\r\n");
                }
                let _ = mails.send(mail);
                "250 taken\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

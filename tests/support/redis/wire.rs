//! As much of the protocol as it takes to ask a server something.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Asks the server at `port` without a process of its own, and gives the answer as the command line client shows it.
pub fn ask(port: u16, password: Option<&str>, words: &[&str]) -> Option<String> {
    let stream = TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    if let Some(password) = password {
        exchange(&mut reader, &["AUTH", password])?;
    }
    exchange(&mut reader, words)
}

fn exchange(reader: &mut BufReader<TcpStream>, words: &[&str]) -> Option<String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    reader.get_mut().write_all(request.as_bytes()).ok()?;
    let mut lines = Vec::new();
    read_answer(reader, &mut lines)?;
    Some(lines.join("\n"))
}

fn read_answer(reader: &mut BufReader<TcpStream>, lines: &mut Vec<String>) -> Option<()> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let (kind, rest) = line.trim_end().split_at_checked(1)?;
    match kind {
        "*" => (0..rest.parse::<i64>().ok()?.max(0)).try_for_each(|_| read_answer(reader, lines))?,
        "$" => {
            let length = usize::try_from(rest.parse::<i64>().ok()?).ok();
            let mut bytes = vec![0; length.map_or(0, |length| length + 2)];
            reader.read_exact(&mut bytes).ok()?;
            bytes.truncate(length.unwrap_or(0));
            lines.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        _ => lines.push(rest.to_owned()),
    }
    Some(())
}

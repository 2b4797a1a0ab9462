//! Why a connection was closed, for the client to know what to do next.

use axum::extract::ws::CloseFrame;

/// The close codes of the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Close {
    /// The hub stops or moves rooms: connect again.
    GoingAway,
    /// A message was over the limit.
    TooLong,
    /// A frame was neither JSON text nor a MessagePack map.
    Unreadable,
    /// The client does not read what it is sent.
    TooSlow,
    /// The session has ended: sign in again.
    SessionEnded,
    /// The client asks for too much.
    TooManyRequests,
    /// No answer to a ping.
    Idle,
    /// Too many connections, of this address or in all.
    TooManyConnections,
}

impl Close {
    /// The number.
    pub const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::TooLong => 1009,
            Self::Unreadable => 4000,
            Self::TooSlow => 4001,
            Self::SessionEnded => 4002,
            Self::TooManyRequests => 4003,
            Self::Idle => 4004,
            Self::TooManyConnections => 4005,
        }
    }

    /// The reason, in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "server going away",
            Self::TooLong => "message too long",
            Self::Unreadable => "unreadable frame",
            Self::TooSlow => "too slow",
            Self::SessionEnded => "session ended",
            Self::TooManyRequests => "too many requests",
            Self::Idle => "idle",
            Self::TooManyConnections => "too many connections",
        }
    }

    /// The frame to send.
    pub fn frame(self) -> CloseFrame {
        CloseFrame { code: self.code(), reason: self.reason().into() }
    }
}

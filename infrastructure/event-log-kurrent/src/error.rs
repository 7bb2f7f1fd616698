//! Why a log on KurrentDB could not be used.

use thiserror::Error;

/// Why a log on KurrentDB could not be used. No text holds a connection string: there may be a password in it.
#[derive(Debug, Error)]
pub enum KurrentError {
    /// The connection string does not say where to connect.
    #[error("the connection string for KurrentDB {0}; it looks like kurrentdb://user:password@host:2113?tls=true")]
    Address(&'static str),
    /// The client could not be set up: a certificate file that is not there, for instance.
    #[error("the KurrentDB client could not be set up: {0}; look at tlsCaFile, userCertFile and userKeyFile")]
    Setup(String),
    /// Nobody answers there.
    #[error("KurrentDB does not answer at {place}: {reason}; is it running there, and is tls=true or false as it is?")]
    Unreachable {
        /// Host and port, of each node if there are several.
        place: String,
        /// What the client says.
        reason: String,
    },
    /// Somebody is there, and the two do not come to terms.
    #[error(
        "no TLS connection to KurrentDB at {place}: name the authority of its certificate with tlsCaFile, or say tls=false if it speaks none"
    )]
    Tls {
        /// Host and port, of each node if there are several.
        place: String,
    },
    /// Name or password are wrong, or the user may not do this.
    #[error("KurrentDB refuses the user: check name and password, and that the user may read $all and write")]
    Denied,
    /// It did not answer in time.
    #[error("KurrentDB did not answer within {seconds} s")]
    Late {
        /// How long it was given.
        seconds: u64,
    },
    /// An append has more bytes than the server takes.
    #[error("the append has {bytes} bytes and KurrentDB takes {max}: nothing was written")]
    TooLarge {
        /// Its bytes, with what is stored beside the data.
        bytes: usize,
        /// How many one append may have.
        max: usize,
    },
    /// The server does not tell the positions of events in streams.
    #[error("this server does not tell where in $all the events of a stream are: a newer KurrentDB is needed")]
    TooOld,
    /// A stream does not begin with its first event, or was deleted.
    #[error("the stream {stream} was cut off or deleted: events before revision {revision} are gone")]
    Cut {
        /// Its name.
        stream: String,
        /// The first revision that is there, from 1.
        revision: u64,
    },
    /// A stored event does not hold what this program writes.
    #[error("what is stored with the event is not what this program writes: {0}")]
    Foreign(&'static str),
    /// Others wrote to the stream again and again.
    #[error("the append could not be settled in {turns} turns")]
    Unsettled {
        /// How often it was tried.
        turns: u32,
    },
    /// It was closed.
    #[error("the event log is closed")]
    Closed,
    /// What was to be done with the events did not come to an end.
    #[error("the event log's work was interrupted")]
    Interrupted,
    /// The server says something else.
    #[error("KurrentDB answers: {0}")]
    Server(String),
}

impl KurrentError {
    /// Whether it may pass by itself: whoever tries again, with a new connection, may succeed.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Late { .. })
    }
}

//! Where sockets are.

use core::time::Duration;
use std::io;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// Of who does not speak as a bridge does.
pub(crate) const STRANGER: &str = "something is there, and it does not answer as ZeroMQ does";

/// An endpoint that the transport can be given: it knows `tcp` and `ipc`, and not the `*` of other implementations. Or what is wrong with it.
pub(crate) fn checked(endpoint: &str, binds: bool) -> Result<String, &'static str> {
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        return match path {
            "" | "*" => Err("which path?"),
            _ => Ok(endpoint.to_owned()),
        };
    }
    let Some(place) = endpoint.strip_prefix("tcp://") else {
        return Err("an endpoint is tcp://HOST:PORT or ipc://PATH");
    };
    let Some((host, port)) = place.rsplit_once(':') else { return Err("there is no port") };
    let port = match port.parse::<u16>() {
        Ok(port) => port,
        Err(_) if port == "*" && binds => 0,
        Err(_) => return Err("not a port"),
    };
    match host {
        "" => Err("there is no host"),
        "*" if binds => Ok(format!("tcp://0.0.0.0:{port}")),
        "*" => Err("which host?"),
        _ if port == 0 && !binds => Err("not a port"),
        _ => Ok(format!("tcp://{host}:{port}")),
    }
}

/// Why there is no connection, found out by one that says nothing.
pub(crate) async fn probe(endpoint: &str, patience: Duration) -> String {
    let connection = async {
        #[cfg(unix)]
        if let Some(path) = endpoint.strip_prefix("ipc://") {
            return tokio::net::UnixStream::connect(path).await.map(drop);
        }
        TcpStream::connect(endpoint.trim_start_matches("tcp://")).await.map(drop)
    };
    match timeout(patience, connection).await {
        Ok(Ok(())) => STRANGER.to_owned(),
        Ok(Err(error)) => refusal(&error),
        Err(_) => "nothing answers".to_owned(),
    }
}

/// Why a connection was not made.
pub(crate) fn refusal(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there: connection refused".to_owned(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => crate::said(error),
    }
}

/// Removes what a server that ended left in the file system: the transport does not, and then cannot bind.
#[cfg(unix)]
pub(crate) fn remove_stale(endpoint: &str) {
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::net::UnixStream;

    let Some(path) = endpoint.strip_prefix("ipc://") else { return };
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && UnixStream::connect(path).is_err_and(refused) {
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(not(unix))]
pub(crate) fn remove_stale(_: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_for_servers() {
        assert_eq!(checked("tcp://*:4545", true).unwrap(), "tcp://0.0.0.0:4545");
        assert_eq!(checked("tcp://127.0.0.1:*", true).unwrap(), "tcp://127.0.0.1:0");
        assert_eq!(checked("tcp://[::1]:0", true).unwrap(), "tcp://[::1]:0");
        assert_eq!(checked("ipc:///tmp/a", false).unwrap(), "ipc:///tmp/a");
        for bad in
            ["tcp://*:4545", "tcp://a:0", "tcp://a", "tcp://:1", "tcp://a:65536", "inproc://a", "ipc://", "ipc://*", ""]
        {
            assert!(checked(bad, false).is_err(), "{bad}");
        }
    }
}

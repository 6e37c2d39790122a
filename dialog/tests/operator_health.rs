//! The operator's systems are well when they answer; that they are out of order is no answer.

use dialog::backend::{Backend, http::Http};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Systems that answer everything with this status.
async fn answering(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 1024]).await;
            let reply =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = connection.write_all(reply.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn systems_that_are_out_of_order_are_ill_and_those_without_a_front_page_are_not() {
    let ping = async |status| Http::new(&answering(status).await).expect("an address").ping().await;
    assert_eq!(ping("200 OK").await, Ok(()));
    assert_eq!(ping("404 Not Found").await, Ok(()));
    let ill = ping("503 Service Unavailable").await.expect_err("ill");
    assert!(ill.contains("503"), "{ill}");
    let gone = Http::new("http://127.0.0.1:9").expect("an address").ping().await;
    assert!(gone.is_err(), "nobody listens");
}

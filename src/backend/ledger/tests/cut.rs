//! Answers that end too early, say nothing, or say something else.

use super::*;

/// An answer that ends with the connection and says no length, after so many bytes of the body.
fn ends_with_the_connection(answer: &[u8], bytes: usize) -> Vec<u8> {
    let text = std::str::from_utf8(answer).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let head = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    format!("{head}{}", &body[..bytes]).into_bytes()
}

#[tokio::test]
async fn an_answer_without_a_length_that_ends_before_its_json_does_is_asked_for_again() {
    let whole = page(8, 1, &[1], None);
    for bytes in [0, 1, 40] {
        let cut = ends_with_the_connection(&whole, bytes);
        let script = Script::new(vec![cut.clone(), cut.clone(), whole.clone(), changes(8, 1)]);
        assert_eq!(ids(&script.ledger().read().await.unwrap()), ["1"]);
        let script = Script::new(vec![cut.clone(), cut.clone(), cut]);
        let error = script.ledger().read().await.unwrap_err();
        assert_eq!((error.persistence, script.asked().len()), (Persistence::Transient, 3), "{error}");
        assert!(!error.doing.contains("another version") && !error.doing.contains("https://"), "{error}");
    }
}

#[tokio::test]
async fn a_batch_whose_answer_says_nothing_may_have_been_done_and_the_next_epoch_shuts_it_out() {
    let cut = ends_with_the_connection(&done(2), 20);
    for (answer, times, persistence) in [
        (cut, 3, Persistence::Transient),
        (answer(204, "application/json", "", ""), 3, Persistence::Transient),
        (ok(&json!({})), 1, Persistence::Permanent),
        (done(3), 1, Persistence::Permanent),
    ] {
        let mut answers = vec![lease(7)];
        answers.extend(std::iter::repeat_n(answer, times));
        answers.push(lease(8));
        let script = Script::new(answers);
        let mut ledger = script.ledger();
        ledger.lease(false).await.unwrap();
        assert_eq!(ledger.apply(&batch(2)).await.unwrap_err().persistence, persistence);
        assert_eq!(ledger.lease(false).await.unwrap(), Lease::Ours { epoch: Some(8), others: 0 });
        assert!(script.asked().last().unwrap().starts_with("POST /v1/companies/acme/lease"), "taken anew");
    }
}

#[tokio::test]
async fn a_ledger_that_spoke_http_is_not_said_to_want_tls() {
    let script = Script::new(vec![lease(7), Vec::new(), Vec::new(), Vec::new()]);
    let mut ledger = script.ledger();
    ledger.lease(false).await.unwrap();
    let error = ledger.apply(&batch(2)).await.unwrap_err();
    assert!(error.doing.contains("the answer broke off") && !error.doing.contains("https://"), "{error}");
    let script = Script::new(vec![Vec::new(), Vec::new(), Vec::new()]);
    let error = script.ledger().lease(false).await.unwrap_err();
    assert!(error.doing.contains("url must begin with https://"), "{error}");
}

#[tokio::test]
async fn a_list_of_empty_pages_is_no_list() {
    let empty = page(8, 3, &[], Some("on"));
    let script = Script::new(vec![page(8, 3, &[1], Some("on")), empty.clone(), empty]);
    let error = script.ledger().read().await.unwrap_err();
    assert!(error.doing.contains("after 1 accounts the list shows an empty page"), "{error}");
    assert_eq!((error.persistence, script.asked().len()), (Persistence::Transient, 2));
}

/// A JSON text that goes on for so long, packed.
fn packed(mib: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..mib {
        packed.write_all(&vec![b' '; MIB]).unwrap();
    }
    packed.finish().unwrap()
}

#[tokio::test]
async fn an_answer_is_read_as_far_as_one_to_this_question_can_be_long_and_no_further() {
    let bomb = packed(200);
    let head = format!(
        "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    let bomb = [head.into_bytes(), bomb].concat();
    let script = Script::new(vec![bomb.clone(), bomb.clone(), bomb.clone()]);
    let error = script.ledger().lease(false).await.unwrap_err();
    assert!(error.doing.contains("longer than any to this question (8 MiB)"), "{error}");
    let script = Script::new(vec![bomb.clone(), bomb.clone(), bomb]);
    let error = script.ledger().read().await.unwrap_err();
    assert!(error.doing.contains("longer than any to this question (64 MiB)"), "{error}");
    // One that says so is not read at all.
    let endless = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n{".to_vec();
    let script = Script::new(vec![endless.clone(), endless.clone(), endless]);
    let error = script.ledger().lease(false).await.unwrap_err();
    assert!(error.doing.contains("longer than any to this question (8 MiB)"), "{error}");
}

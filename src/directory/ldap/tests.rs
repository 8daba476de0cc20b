//! The reader against a server that fails in each way a server can.

mod ber;
mod server;

use std::time::{Duration, Instant};

use self::server::{BASE, Fault, PEOPLE, start};
use super::*;
use crate::model::settings::{AttributeSettings, Bind, Source};

const TIMEOUT: Duration = Duration::from_millis(200);

fn directory(urls: &[&str]) -> LdapDirectory {
    let ldap = LdapSettings {
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        ca_file: None,
        start_tls: false,
        allow_plaintext: false,
        bind: Bind::Simple { dn: "cn=sync".to_owned(), password: "secret".to_owned().into() },
        page_size: 1,
        timeout: TIMEOUT,
    };
    let settings = DirectorySettings {
        name: "lab".into(),
        kind: None,
        source: Source::Ldap(ldap.clone()),
        bases: vec![BASE.into()],
        filter: None,
        groups: vec![],
        exclude_groups: vec![],
        attributes: AttributeSettings::default(),
    };
    LdapDirectory::new(settings, ldap, [])
}

fn request() -> ReadRequest {
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    ReadRequest { now, pins: BTreeMap::new(), nested: Vec::new(), watermark: None }
}

async fn read(directory: &mut LdapDirectory) -> Result<Snapshot, ReadError> {
    directory.read(&request(), &|_| ()).await
}

/// Reads from a server that has the fault on every connection.
async fn read_with(fault: Fault) -> Result<Snapshot, ReadError> {
    let server = start(fault, u32::MAX).await;
    read(&mut directory(&[&server.url])).await
}

async fn complete(fault: Fault) -> Snapshot {
    let snapshot = read_with(fault).await.unwrap();
    assert_eq!(snapshot.partial, None, "{fault:?}");
    snapshot
}

#[tokio::test]
async fn a_read_that_comes_to_its_end_is_complete() {
    let snapshot = complete(Fault::Nothing).await;
    assert_eq!(snapshot.people.len(), PEOPLE as usize);
    assert_eq!(snapshot.entries, u64::from(PEOPLE));
    let noted: Vec<String> = snapshot.watermark.unwrap().position.into_keys().collect();
    assert_eq!(noted.iter().filter(|key| !key.starts_with('_')).count(), 2, "a change number, and the time: {noted:?}");
}

#[tokio::test]
async fn empty_pages_smaller_pages_and_bytes_one_by_one_change_nothing() {
    for fault in [Fault::EmptyPages, Fault::Dribble] {
        assert_eq!(complete(fault).await.people.len(), PEOPLE as usize, "{fault:?}");
    }
    let server = start(Fault::SmallPages, u32::MAX).await;
    let mut directory = directory(&[&server.url]);
    directory.ldap.page_size = 1000;
    let snapshot = read(&mut directory).await.unwrap();
    assert_eq!((snapshot.partial, snapshot.people.len()), (None, PEOPLE as usize));
}

#[tokio::test]
async fn the_size_of_pages_that_a_server_grants_is_learnt_once() {
    use std::sync::atomic::Ordering::Relaxed;
    let server = start(Fault::SmallPages, u32::MAX).await;
    let mut directory = directory(&[&server.url]);
    directory.ldap.page_size = 1000;
    for _ in 0..3 {
        assert_eq!(read(&mut directory).await.unwrap().people.len(), PEOPLE as usize);
    }
    assert_eq!((server.refusals.load(Relaxed), server.connections.load(Relaxed)), (9, 3), "from 1000 down to 1, once");
}

#[tokio::test]
async fn whatever_breaks_a_read_off_makes_it_partial_with_what_came_before() {
    const NESTED: &[u8] = &[0x30; 60_000];
    let mut faults = vec![
        Fault::Cut,
        Fault::Silence,
        Fault::NoControl,
        Fault::BrokenControl,
        Fault::Loop,
        Fault::Reference,
        Fault::Notice,
        Fault::WrongId,
        Fault::Bytes(&[0xff; 64]),
        Fault::Bytes(b"\x30\x84\x7f\xff\xff\xff"),
        Fault::Bytes(b"\x30\x05\x02\x01\x04\x6f\x00"),
        Fault::Bytes(NESTED),
        Fault::Drip(TIMEOUT / 2),
    ];
    for code in [1, 3, 4, 10, 11, 51, 52, 53, 80] {
        faults.extend([Fault::Code(code, true), Fault::Code(code, false)]);
    }
    let began = Instant::now();
    let reads = faults.into_iter().map(async |fault| (fault, read_with(fault).await.unwrap()));
    for (fault, snapshot) in futures_util::future::join_all(reads).await {
        let partial = snapshot.partial.unwrap_or_else(|| panic!("{fault:?} is taken for a complete read"));
        assert!(partial.message.contains("ldap://127.0.0.1"), "{fault:?}: {}", partial.message);
        assert!(snapshot.people.len() >= 2, "{fault:?}");
    }
    // All of them: ten timeouts is the most that one may take.
    assert!(began.elapsed() < TIMEOUT * 20, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_says_nothing_at_all_is_an_error_in_time() {
    let began = Instant::now();
    let error = read_with(Fault::Mute).await.unwrap_err();
    assert_eq!(error.persistence, Persistence::Transient);
    assert!(error.doing.contains("no answer within 200ms"), "{}", error.doing);
    assert!(began.elapsed() < TIMEOUT * 20);
}

#[tokio::test]
async fn what_fails_once_is_read_again_from_its_beginning() {
    for fault in [Fault::Cut, Fault::Silence, Fault::Code(51, false), Fault::NoControl, Fault::Mute, Fault::Bind(52)] {
        let server = start(fault, 1).await;
        let snapshot = read(&mut directory(&[&server.url])).await.unwrap();
        assert_eq!(snapshot.partial, None, "{fault:?}");
        assert_eq!(snapshot.people.len(), PEOPLE as usize, "{fault:?}");
        assert_eq!(snapshot.entries, u64::from(PEOPLE), "{fault:?}: nothing is stitched together");
        assert_eq!(server.connections.load(std::sync::atomic::Ordering::Relaxed), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn refused_credentials_are_shown_to_nobody_else_and_not_again() {
    let refusing = start(Fault::Bind(49), u32::MAX).await;
    let other = start(Fault::Nothing, 0).await;
    let error = read(&mut directory(&[&refusing.url, &other.url])).await.unwrap_err();
    assert_eq!(error.persistence, Persistence::Credentials);
    assert_eq!(refusing.connections.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert_eq!(other.connections.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_next_server_is_read_where_one_is_down_or_fails() {
    let good = start(Fault::Nothing, 0).await;
    for fault in [Fault::Mute, Fault::Bind(52), Fault::Cut] {
        let bad = start(fault, u32::MAX).await;
        let snapshot = read(&mut directory(&["ldap://127.0.0.1:1", &bad.url, &good.url])).await.unwrap();
        assert_eq!((snapshot.partial, &snapshot.server), (None, &good.url), "{fault:?}");
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_named_costs_itself_alone() {
    let snapshot = complete(Fault::OddDn).await;
    assert_eq!((snapshot.people.len(), snapshot.unidentified.len()), (PEOPLE as usize - 1, 1));
}

#[tokio::test]
async fn a_base_without_an_anchor_cannot_be_followed() {
    let snapshot = read_with(Fault::NoAnchor).await.unwrap();
    assert!(snapshot.partial.is_some_and(|partial| partial.message.contains(BASE)));
}

#[tokio::test]
async fn a_directory_without_a_base_is_not_read() {
    let server = start(Fault::Nothing, 0).await;
    let mut directory = directory(&[&server.url]);
    directory.settings.bases.clear();
    assert_eq!(read(&mut directory).await.unwrap_err().persistence, Persistence::Permanent);
}

#[tokio::test]
async fn a_server_that_went_back_in_time_makes_the_read_partial() {
    let server = start(Fault::Nothing, 0).await;
    let mut directory = directory(&[&server.url]);
    let mut watermark = read(&mut directory).await.unwrap().watermark;
    for csn in watermark.iter_mut().flat_map(|mark| mark.position.values_mut()) {
        *csn = csn.replace("2026", "2027");
    }
    let snapshot = directory.read(&ReadRequest { watermark, ..request() }, &|_| ()).await.unwrap();
    assert!(snapshot.partial.is_some_and(|partial| partial.message.contains("back in time")));
}

#[tokio::test]
async fn a_replica_that_lags_behind_the_server_read_before_makes_the_read_partial() {
    let server = start(Fault::Nothing, 0).await;
    let mut directory = directory(&[&server.url]);
    let mut watermark = read(&mut directory).await.unwrap().watermark.unwrap();
    watermark.server = "ldap://the-other.example".to_owned();
    for csn in watermark.position.values_mut() {
        *csn = csn.replace("2026", "2027");
    }
    let snapshot = directory.read(&ReadRequest { watermark: Some(watermark), ..request() }, &|_| ()).await.unwrap();
    assert!(snapshot.partial.is_some_and(|partial| partial.message.contains("lags behind ldap://the-other.example")));
}

#[tokio::test]
async fn a_replica_that_is_behind_for_one_of_several_writers_makes_the_read_partial_for_a_day() {
    let server = start(Fault::Nothing, 0).await;
    let mut directory = directory(&[&server.url]);
    let mut watermark = read(&mut directory).await.unwrap().watermark.unwrap();
    watermark.server = "ldap://the-other.example".to_owned();
    // Older than what the replica has of the other writer.
    watermark.position.insert("002".to_owned(), "20250101000000.000000Z#000000#002#000000".to_owned());
    for (hours, is_partial) in [(23, true), (24, false)] {
        watermark.at = request().now.checked_sub(jiff::SignedDuration::from_hours(hours)).ok();
        let request = ReadRequest { watermark: Some(watermark.clone()), ..request() };
        let snapshot = directory.read(&request, &|_| ()).await.unwrap();
        assert_eq!(snapshot.partial.is_some(), is_partial, "{hours} hours: {:?}", snapshot.partial);
    }
}

#[tokio::test]
async fn a_lookup_that_fails_is_an_error_and_nobody_is_gone() {
    let server = start(Fault::Cut, 0).await;
    let mut directory = directory(&[&server.url]);
    read(&mut directory).await.unwrap();
    // This server knows only paged searches below a base: the lookup is cut off.
    let missing = Missing { anchor: Anchor::from_bytes([9; 16]), dn: Some(format!("uid=gone,{BASE}")) };
    assert!(directory.locate(&[missing], request().now).await.is_err());
}

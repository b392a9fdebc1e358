//! The tick's path allocates nothing: 1000 subscribers, some of them slow, and an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraConfig, CameraSource, Config, Secret};
use es_iot_server::server::{ConnId, Input, Output, Server, Service, Setup};
use es_iot_server::time::{Mono, Now};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_tick_allocates_nothing() {
    let camera = CameraConfig { source: CameraSource::None, ..CameraConfig::default() };
    let config = Config { camera, ..Config::default() };
    let setup = Setup { settings: CameraSettings::default(), password: Secret::new("1111"), seed: 1, watchdog: None };
    let mut now = Now { mono: Mono::from_nanos(1), unix_ms: 0 };
    let mut server = Server::new(config, setup, now);
    let mut out: Vec<Output> = Vec::new();
    server.start(now, &mut out);
    let peer: SocketAddr = "127.0.0.1:4000".parse().expect("an address");
    for slot in 0..1000 {
        let conn = ConnId { slot, generation: 1 };
        server.handle(now, Input::Accepted { conn, service: Service::Data, peer }, &mut out);
    }
    for slot in (0..1000).step_by(10) {
        server.handle(now, Input::Blocked { conn: ConnId { slot, generation: 1 } }, &mut out);
    }

    let mut tick = |out: &mut Vec<Output>| {
        out.clear();
        now.mono = now.mono + Duration::from_nanos(41_666_667);
        server.handle(now, Input::Tick { reading: Some(Ok(b"42\n")) }, out);
        let offers = out.iter().filter(|output| matches!(output, Output::Offer { .. })).count();
        assert_eq!(offers, 900, "everyone whose socket takes packets");
    };
    tick(&mut out);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        tick(&mut out);
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "allocations in 100 ticks");
}

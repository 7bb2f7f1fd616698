//! What sees to uploads and assets beside the requests: looking at what was handed in, removing what was never
//! finished.

use super::membership::ASSETS;
use crate::{
    config::{Config, Uploads},
    exit::Failure,
    wiring::{Engines, scanner, source_limits},
};
use application::{
    cluster::Holdings,
    commands::{
        asset_desk::{AssetDesk, DeskStatus},
        check_asset::{CheckAsset, Scan},
        expire_uploads::ExpireUploads,
    },
    crew::Beside,
    stop::StopSignal,
};
use http_api::{Api, UploadLimits};
use projections::asset_index::AssetRows;
use std::{sync::Arc, time::Duration};

/// Assets that are looked at at a time, at least, unless configured otherwise: one that takes long shall not hold up all
/// others.
const AT_ONCE_MIN: usize = 2;
/// Between two looks for uploads whose time is up.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// What runs beside the crew for uploads and assets; `status` tells how it stands. What is complete since before the
/// start becomes an asset now.
pub async fn beside(
    api: &Api,
    engines: &Engines,
    config: &Config,
    status: DeskStatus,
    cores: usize,
    holdings: &Holdings,
) -> Result<Vec<Beside>, Failure> {
    let import = api.import_asset();
    import.recover().await.map_err(|error| Failure::internal(&error))?;
    let erase = api.erase_asset();
    let is_required = config.scan.required.unwrap_or(true);
    let scan = scanner(&config.scan).map(|scanner| Scan { scanner, is_required });
    let (prober, inspector) = engines.asset_checks();
    let desk = Arc::new(AssetDesk {
        aggregates: Arc::clone(&api.aggregates),
        index: Arc::new(AssetRows::new(Arc::clone(&api.read_store))),
        check: CheckAsset {
            aggregates: Arc::clone(&api.aggregates),
            blobs: Arc::clone(&api.blobs),
            scan,
            prober,
            inspector,
            limits: source_limits(&config.limits),
            release: erase.release.clone(),
        },
        erase,
        at_once: at_once(&config.uploads, cores),
        status,
        traces: Arc::clone(&api.traces),
    });
    let expire =
        ExpireUploads { import, uploads: Arc::clone(&api.uploads), clock: Arc::clone(&api.clock), every: EXPIRE_EVERY };
    // Both are dropped with the crew, at any moment: what is under way is done anew at the next start.
    let looking = Beside::new("asset desk", move || {
        let desk = Arc::clone(&desk);
        async move {
            desk.run(&StopSignal::never()).await;
            "it came to an end".to_owned()
        }
    });
    let expiring = Beside::new("expiry of uploads", move || {
        let expire = expire.clone();
        async move {
            expire.keep_on(&StopSignal::never()).await;
            "it came to an end".to_owned()
        }
    });
    Ok(vec![looking.on_duty(holdings.clone(), ASSETS), expiring])
}

/// Assets that are looked at at a time.
fn at_once(config: &Uploads, cores: usize) -> usize {
    if config.checks_max == 0 { cores.max(AT_ONCE_MIN) } else { number(config.checks_max) }
}

/// Bounds of uploads.
pub fn upload_limits(config: &Uploads) -> UploadLimits {
    UploadLimits {
        bytes_max: config.bytes_max,
        expire_after: config.expire_after,
        waiting_max: number(config.waiting_max),
        ..UploadLimits::default()
    }
}

fn number(configured: u64) -> usize {
    usize::try_from(configured).unwrap_or(usize::MAX)
}

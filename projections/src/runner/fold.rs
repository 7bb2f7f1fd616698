//! One read model, folded over one page: rows in, rows out, and what had to be parked.

use super::{
    pages::Page,
    rows::{Changes, News, Rows, touches},
};
use crate::{
    parked::{Parked, ParkedKey, Reason, TABLE},
    projection::{Projection, Touched},
};
use application::ports::{
    event_log::StreamId,
    read_store::{Batch, ReadStore, ReadStoreError, RowKey},
};

/// What a page comes to.
pub(super) struct Folded {
    pub projection: &'static str,
    pub table: &'static str,
    /// In the order in which they are to be applied, and all or none.
    pub batches: Vec<Batch>,
    /// Keys of rows that change.
    pub keys: Vec<RowKey>,
    /// What stands still from now on.
    pub parked: Parked,
    /// What of it did not before.
    pub news: Vec<ParkedKey>,
}

/// What stands still, and what of it is news.
struct Parking {
    parked: Parked,
    found: Vec<ParkedKey>,
}

impl Parking {
    fn park(&mut self, key: ParkedKey) {
        if !self.parked.holds(&key.key, key.position) {
            self.parked.add(&key.key, key.position);
            self.found.push(key);
        }
    }
}

/// Folds the events of a page that come after `from`.
pub(super) async fn fold(
    store: &dyn ReadStore,
    projection: &dyn Projection,
    known: &Parked,
    from: u64,
    page: &Page,
) -> Result<Folded, ReadStoreError> {
    // What is folded from the first event on is folded anew: nothing is parked yet.
    let (known, forgotten) =
        if from == 0 { (Parked::default(), known.clone()) } else { (known.clone(), Parked::default()) };
    let mut parking = Parking { parked: known, found: vec![] };
    let mut news: Vec<News<'_>> = Vec::new();
    for event in page.events.iter().filter(|event| event.position > from) {
        match touches(projection, event) {
            Some(touched) if touched == Touched::none() => {}
            Some(touched) => news.push((event, touched)),
            None => {
                let key = projection.rows_of(&event.stream);
                let park = |key| ParkedKey::new(key, event.position, &event.event_type, Reason::FoldFailed);
                key.into_iter().for_each(|key| parking.park(park(key)));
            }
        }
    }
    let mut rows = Rows::load(store, projection, &news).await?;
    if rows.fold(projection, &news, &parking.parked).is_err() {
        parking.found.extend(rows.fold_with_care(projection, &news, &mut parking.parked));
    }
    if let Some(unread) = page.unread.as_ref().filter(|unread| unread.position > from) {
        let key = unread.stream.parse::<StreamId>().ok().and_then(|stream| projection.rows_of(&stream));
        let park = |key| ParkedKey::new(key, unread.position, &unread.event_type, Reason::Unreadable);
        key.into_iter().for_each(|key| parking.park(park(key)));
    }
    let Parking { parked, found: news } = parking;
    let Changes { upserts, deletes, keys } = rows.changes();
    let (name, table) = (projection.name(), projection.table());
    let step = Batch { projection: name, from, to: page.to, table, upserts, deletes };
    let batches = parking_step(name, from, &forgotten, &news).into_iter().chain([step]).collect();
    Ok(Folded { projection: name, table: table.name, batches, keys, parked, news })
}

/// Writes down what is parked. It comes first and moves nothing: should only this be written, the events are folded again.
fn parking_step(name: &'static str, from: u64, forgotten: &Parked, found: &[ParkedKey]) -> Option<Batch> {
    let upserts: Vec<_> = found.iter().map(|key| key.row(name)).collect();
    let is_found = |key: &RowKey| upserts.iter().any(|row| key.last() == row.get("key"));
    let deletes: Vec<_> = forgotten.rows(name).into_iter().filter(|key| !is_found(key)).collect();
    let is_news = !upserts.is_empty() || !deletes.is_empty();
    is_news.then_some(Batch { projection: name, from, to: from, table: &TABLE, upserts, deletes })
}

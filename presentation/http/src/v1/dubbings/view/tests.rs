//! States as they are shown, against those that the read models fold.

use super::{columns, *};
use application::{
    ports::read_store::ReadStore,
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use projections::{Runner, jobs};
use std::{collections::BTreeSet, sync::Arc};

//! What work this process takes, how much of it at a time, and how that is seen.

pub mod measures;
pub mod memory;

use crate::{
    config::{Config, NodeRole},
    exit::Failure,
};
use application::{
    ports::{cluster::WorkCard, work_queue::WorkerClass},
    room::{Room, RoomLimits},
};
use domain::flow::Stage;
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

/// The most that one process does at a time.
const SLOTS_MAX: u16 = 1_024;

/// What this process takes of the work, and how much at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkPlan {
    /// Of these stages.
    pub stages: Vec<Stage>,
    /// What is put up for these classes of machines.
    pub classes: BTreeSet<WorkerClass>,
    /// So much at a time.
    pub slots: usize,
    /// At most so much at a time of a stage.
    pub by_stage: BTreeMap<Stage, usize>,
}

/// What a worker is told.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// The stages; all of its classes when empty.
    pub stages: &'a [Stage],
    /// The classes; machines without a graphics processor when empty.
    pub classes: &'a [WorkerClass],
    /// How much at a time.
    pub slots: &'a [Slots],
}

/// How much at a time: overall, or of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slots {
    /// Overall.
    Overall(u16),
    /// Of a stage.
    Of(Stage, u16),
}

impl FromStr for Slots {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = |text: &str| text.trim().parse().ok().filter(|count| (1..=SLOTS_MAX).contains(count));
        let read = match text.split_once('=') {
            None => count(text).map(Self::Overall),
            Some((name, number)) => {
                let stage = stage(name.trim())?;
                count(number).map(|count| Self::Of(stage, count))
            }
        };
        read.ok_or_else(|| format!("allowed: numbers from 1 to {SLOTS_MAX}, as 4, or with a stage as transcribe=1"))
    }
}

impl WorkPlan {
    /// What a server does itself. Files are let go of by those who drive dubbings: they share turns with all who begin to use
    /// some.
    pub fn of_server(config: &Config, cores: usize) -> Self {
        let drives = config.node.roles.contains(&NodeRole::Flow);
        let gpu = &config.queue.gpu_stages;
        let stages = match (drives, config.node.slots) {
            (false, _) => vec![],
            (true, Some(0)) => vec![Stage::Clean],
            (true, _) => Stage::all().filter(|stage| !gpu.contains(stage)).collect(),
        };
        // One at least where it drives dubbings, for what workers elsewhere do not do.
        let slots = config.node.slots.map_or(cores + 1, |slots| usize::try_from(slots).unwrap_or(usize::MAX)).max(1);
        let slots = if drives { slots } else { 0 };
        Self { stages, classes: BTreeSet::from([WorkerClass::Cpu]), slots, by_stage: BTreeMap::new() }
    }

    /// What a worker does; refused where it would wait for work that nobody puts up for it.
    pub fn of_worker(asked: &Asked, config: &Config, cores: usize) -> Result<Self, Failure> {
        let gpu = &config.queue.gpu_stages;
        let classes: BTreeSet<WorkerClass> = match asked.classes {
            [] => BTreeSet::from([WorkerClass::Cpu]),
            classes => classes.iter().copied().collect(),
        };
        let class_of = |stage: &Stage| if gpu.contains(stage) { WorkerClass::Gpu } else { WorkerClass::Cpu };
        let stages: Vec<Stage> = match asked.stages {
            [] => of_workers().filter(|stage| classes.contains(&class_of(stage))).collect(),
            stages => stages.to_vec(),
        };
        if let Some(stage) = stages.iter().find(|stage| !classes.contains(&class_of(stage))) {
            let class = class_of(stage).name();
            let advice = format!(
                "{stage} is work for the class {class} by queue.gpu_stages: leave it out, or add --class {class}"
            );
            return Err(Failure::usage(advice));
        }
        if let Some(class) = classes.iter().find(|class| !stages.iter().any(|stage| class_of(stage) == **class)) {
            let name = class.name();
            let advice =
                format!("none of these stages is work for the class {name}: queue.gpu_stages says which are for gpu");
            return Err(Failure::usage(advice));
        }
        let by_stage = by_stage(asked.slots, &stages)?;
        let mut overall = asked.slots.iter().filter_map(|slots| match slots {
            Slots::Overall(count) => Some(usize::from(*count)),
            Slots::Of(..) => None,
        });
        let (overall, more) = (overall.next(), overall.next());
        if more.is_some() {
            return Err(Failure::usage("--slots says twice how much there is at a time overall: say it once"));
        }
        let slots = overall.unwrap_or_else(|| by_stage.values().sum::<usize>().max(cores + 1));
        Ok(Self { stages, classes, slots, by_stage })
    }

    /// What other nodes hear of it; nothing where it takes none.
    pub fn card(&self) -> Option<WorkCard> {
        (self.slots > 0).then(|| WorkCard {
            stages: self.stages.iter().map(|stage| stage.name().to_owned()).collect(),
            slots: u32::try_from(self.slots).unwrap_or(u32::MAX),
            classes: self.classes.iter().map(|class| class.name().to_owned()).collect(),
        })
    }

    /// The room for it, by the memory that there is.
    pub fn room(&self, config: &Config, cores: usize) -> Room {
        let configured = config.worker.memory.iter().copied();
        Room::new(RoomLimits {
            by_stage: self.by_stage.clone(),
            memory_bytes: config.worker.memory_max.or_else(host::memory_available),
            needs: memory::needs(cores).into_iter().chain(configured).collect(),
        })
    }
}

/// At most so much of a stage at a time, of those that are worked on.
fn by_stage(slots: &[Slots], stages: &[Stage]) -> Result<BTreeMap<Stage, usize>, Failure> {
    let mut by_stage = BTreeMap::new();
    for slots in slots {
        let Slots::Of(stage, count) = slots else { continue };
        if !stages.contains(stage) {
            return Err(Failure::usage(format!(
                "--slots names {stage}, which this worker does not do; see --stages and --class"
            )));
        }
        if by_stage.insert(*stage, usize::from(*count)).is_some() {
            return Err(Failure::usage(format!(
                "--slots says twice how much of {stage} there is at a time: say it once"
            )));
        }
    }
    Ok(by_stage)
}

/// A stage that workers do, by its name.
pub fn stage(text: &str) -> Result<Stage, String> {
    of_workers().find(|stage| stage.name() == text).ok_or_else(|| {
        let known = of_workers().map(Stage::name).collect::<Vec<_>>().join(", ");
        format!("no stage that workers do; they are {known}")
    })
}

/// A class of machines, by its name.
pub fn class(text: &str) -> Result<WorkerClass, String> {
    let found = WorkerClass::ALL.into_iter().find(|class| class.name() == text);
    found.ok_or_else(|| "no class of machines; they are cpu and gpu".to_owned())
}

/// Stages that workers do. Files are let go of by the server, which knows who begins to use them.
fn of_workers() -> impl Iterator<Item = Stage> {
    Stage::all().filter(|stage| *stage != Stage::Clean)
}

#[cfg(test)]
mod tests;

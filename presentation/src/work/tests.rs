//! What a process takes of the work, and what nobody could mean.

use super::*;
use crate::config::{Inputs, load};

const CORES: usize = 2;

fn config(gpu: &[Stage]) -> Config {
    let mut config = load(&Inputs::default()).expect("defaults hold").config;
    config.queue.gpu_stages = gpu.to_vec();
    config
}

fn planned(gpu: &[Stage], stages: &[Stage], classes: &[WorkerClass], slots: &str) -> Result<WorkPlan, String> {
    let slots: Vec<Slots> =
        slots.split(',').filter(|text| !text.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
    let asked = Asked { stages, classes, slots: &slots };
    WorkPlan::of_worker(&asked, &config(gpu), CORES).map_err(|failure| failure.message)
}

#[test]
fn slots_are_overall_or_by_stage() {
    let check = |text: &str, due_slots: usize, due: &[(Stage, usize)]| {
        let plan = planned(&[], &[], &[], text).expect(text);
        assert_eq!((plan.slots, plan.by_stage), (due_slots, due.iter().copied().collect()), "{text}");
    };
    check("", 3, &[]);
    check("4", 4, &[]);
    check("transcribe=1", 3, &[(Stage::Transcribe, 1)]);
    check("transcribe=1,synthesise=3", 4, &[(Stage::Transcribe, 1), (Stage::Synthesise, 3)]);
    check("8,transcribe=1", 8, &[(Stage::Transcribe, 1)]);
    for (text, said) in [
        ("0", "numbers from 1 to 1024"),
        ("1025", "numbers from 1 to 1024"),
        ("x", "numbers from 1 to 1024"),
        ("transcribe=", "numbers from 1 to 1024"),
        ("dub=1", "no stage that workers do; they are ingest,"),
        ("clean=1", "no stage that workers do"),
    ] {
        let refused = planned(&[], &[], &[], text).expect_err(text);
        assert!(refused.contains(said), "{text}: {refused}");
    }
    let refused = planned(&[], &[Stage::Mix], &[], "transcribe=1").expect_err("refused");
    assert!(refused.contains("--slots names transcribe, which this worker does not do"), "{refused}");
}

#[test]
fn a_class_has_its_stages_and_what_nobody_could_serve_is_refused() {
    use WorkerClass::{Cpu, Gpu};
    let gpu = [Stage::Transcribe, Stage::Synthesise];
    let plain = planned(&gpu, &[], &[], "").expect("a plan");
    assert!(!plain.stages.iter().any(|stage| gpu.contains(stage) || *stage == Stage::Clean));
    assert_eq!(planned(&gpu, &[], &[Gpu], "").expect("a plan").stages, gpu);
    let both = planned(&gpu, &[], &[Gpu, Cpu], "").expect("a plan");
    assert_eq!(both.stages.len(), plain.stages.len() + 2);
    assert_eq!(planned(&gpu, &[Stage::Mix], &[], "").expect("a plan").stages, [Stage::Mix]);
    for (gpu, stages, classes, said) in [
        (&[][..], &[][..], &[Gpu][..], "none of these stages is work for the class gpu"),
        (&gpu, &[Stage::Transcribe], &[], "transcribe is work for the class gpu by queue.gpu_stages"),
        (&gpu, &[Stage::Mix], &[Gpu], "mix is work for the class cpu by queue.gpu_stages"),
        (&gpu, &[Stage::Mix], &[Cpu, Gpu], "none of these stages is work for the class gpu"),
    ] {
        let refused = planned(gpu, stages, classes, "").expect_err(said);
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn a_server_leaves_to_workers_what_it_does_not_do() {
    let mut config = config(&[Stage::Transcribe]);
    let plan = WorkPlan::of_server(&config, CORES);
    assert!(plan.slots == 3 && !plan.stages.contains(&Stage::Transcribe) && plan.stages.contains(&Stage::Clean));
    config.node.slots = Some(0);
    let plan = WorkPlan::of_server(&config, CORES);
    assert_eq!((plan.slots, &plan.stages[..]), (1, &[Stage::Clean][..]));
    let card = plan.card().expect("it works");
    assert_eq!((card.slots, card.stages, card.classes), (1, vec!["clean".to_owned()], vec!["cpu".to_owned()]));
    config.node.roles = vec![NodeRole::Api];
    assert_eq!(WorkPlan::of_server(&config, CORES).card(), None);
}

#[test]
fn the_room_knows_what_was_configured() {
    let mut config = config(&[]);
    config.worker.memory_max = Some(1 << 30);
    config.worker.memory = vec![(Stage::Transcribe, 2 << 30)];
    let figures = WorkPlan::of_server(&config, CORES).room(&config, CORES).figures();
    assert_eq!((figures.memory_bytes, figures.needs[&Stage::Transcribe]), (Some(1 << 30), 2 << 30));
    assert!(figures.needs[&Stage::Mux] > 0, "what is known of engines");
}

//! The shape of an event, as the document tells it. The events themselves come from `application::public_events`.

use application::public_events::PublicEventType;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};
use uuid::Uuid;

/// Something that happened. Members that do not apply are absent. There may be more types and members later: clients
/// leave out what they do not know.
#[derive(ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "it is there to be described")]
pub struct EventDocument {
    /// Its place in the log: later events have greater ones. There are gaps.
    #[schema(minimum = 1)]
    position: u64,
    /// Its id: the same wherever it is seen.
    id: Uuid,
    /// What happened.
    r#type: EventTypes,
    /// When it was recorded: RFC 3339, UTC.
    #[schema(format = DateTime, value_type = String)]
    at: String,
    /// The dubbing that it is about.
    #[schema(nullable = false)]
    dubbing: Option<Uuid>,
    /// The target language that it is about.
    #[schema(nullable = false)]
    language: Option<String>,
    /// The asset that it is about.
    #[schema(nullable = false)]
    asset: Option<Uuid>,
    /// The project that it is about.
    #[schema(nullable = false)]
    project: Option<Uuid>,
    /// The glossary that it is about.
    #[schema(nullable = false)]
    glossary: Option<Uuid>,
    /// The stage that it is about.
    #[schema(nullable = false)]
    stage: Option<String>,
    /// How often the stage was asked for anew.
    #[schema(nullable = false)]
    run: Option<u32>,
    /// The try within that run.
    #[schema(nullable = false)]
    attempt: Option<u32>,
    /// What else there is to tell, by type.
    #[schema(value_type = Object)]
    data: (),
}

/// The names of the types.
struct EventTypes;

impl PartialSchema for EventTypes {
    fn schema() -> RefOr<Schema> {
        let names = PublicEventType::ALL.iter().map(|kind| kind.name());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for EventTypes {}

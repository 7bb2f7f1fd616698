//! The document of the API, made from the routes; and what holds for all of them, said in one place.

use crate::{
    event::EventDocument,
    extract::{Nothing, Query},
    pages::Limit,
    policy::{Access, ROUTES},
    problem::ProblemDocument,
    routes,
};
use axum::{
    http::{HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use std::sync::LazyLock;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        PathItem, Ref, RefOr, Required, ResponseBuilder, SecurityRequirement,
        content::ContentBuilder,
        link::LinkBuilder,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Schema, SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// What the document says about the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Dragoman",
        description = "Turns a video into the same video in other languages, and can prove how it did so.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemDocument, EventDocument, Limit)),
    modifiers(&Token),
    tags(
        (name = "operations", description = "Health, measures and this document"),
        (name = "dubbings", description = "One source video, made in other languages"),
        (name = "tracks", description = "The languages of a dubbing, and their lines"),
        (name = "transcript", description = "What is said in the source"),
        (name = "downloads", description = "The files of a result"),
        (name = "events", description = "What happens, as it happens; docs/api-events.md lists the types"),
        (name = "projects", description = "Dubbings that belong together"),
        (name = "glossaries", description = "Terms for more than one dubbing"),
        (name = "abilities", description = "What can be asked for here and now"),
        (name = "assets", description = "Sources that were handed in"),
        (name = "uploads", description = "Resumable uploads (tus 1.0)"),
        (name = "auth", description = "Signing in and out, and one's own account"),
        (name = "accounts", description = "Who may sign in, and as what"),
        (name = "keys", description = "Keys for programs"),
        (name = "tenants", description = "Who has a part of the installation, and how much of it they may use"),
        (name = "webhooks", description = "Where a tenant hears of its events; docs/webhooks.md says how to verify them"),
        (name = "security", description = "Who signed in, was refused, changed what others may do, took what away"),
        (name = "errors", description = "Every problem that an answer can tell of"),
    ),
)]
pub(crate) struct Document;

/// The document, complete.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = routes::routes().split_for_parts().1;
    let paths = &mut document.paths.paths;
    for (path, item) in &mut *paths {
        for (method, operation) in operations(item) {
            say_conventions(path, &method, operation);
        }
    }
    let all: Vec<(String, Method)> = paths
        .iter_mut()
        .flat_map(|(path, item)| operations(item).into_iter().map(|(method, _)| (path.clone(), method)))
        .collect();
    for (path, item) in paths {
        if let Some(create) = &mut item.post {
            say_links(path, create, &all);
        }
    }
    document
}

/// The document of this API
#[utoipa::path(get, path = "/v1/openapi.json", tag = "operations", security(()), responses(
    (status = 200, description = "OpenAPI 3.1", body = serde_json::Value, content_type = "application/json"),
))]
pub(crate) async fn document(Query(Nothing {}): Query<Nothing>) -> Response {
    static JSON: LazyLock<Bytes> = LazyLock::new(|| openapi().to_json().unwrap_or_default().into());
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], JSON.clone()).into_response()
}

/// `*`, or tags as `ETag` gives them, with commas between.
const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$"#;

/// How callers show who they are.
struct Token;

impl Token {
    const NAME: &str = "token";
}

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(Self::NAME, SecurityScheme::Http(bearer));
        document.security = Some(vec![SecurityRequirement::new(Self::NAME, Vec::<String>::new())]);
    }
}

fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::OPTIONS, &mut item.options),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))).collect()
}

fn say_conventions(path: &str, method: &Method, operation: &mut Operation) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let problem = ResponseBuilder::new()
        .description("What is wrong, as a problem document (RFC 9457)")
        .content("application/problem+json", problem)
        .build();
    operation.responses.responses.entry("default".to_owned()).or_insert(RefOr::T(problem));
    operation.operation_id = Some(name_of(path, method));
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            say_form(parameter);
        }
    }
    // Who is not known has no keys.
    let is_open = ROUTES.iter().any(|(_, route, policy)| *route == path && policy.access == Access::Open);
    if *method == Method::POST && path.starts_with("/v1/") && !is_open {
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
    }
}

/// A name for an operation that no other has: `get_v1_dubbings_id`.
fn name_of(path: &str, method: &Method) -> String {
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    format!("{}_{}", method.as_str().to_ascii_lowercase(), words.join("_"))
}

/// What a parameter looks like, wherever it is taken. What stands in a path, a query or a header is never null.
fn say_form(parameter: &mut Parameter) {
    let text = ObjectBuilder::new().schema_type(Type::String);
    if parameter.name == "If-Match" {
        parameter.schema = Some(text.pattern(Some(TAGS)).examples(["*", "\"17\""]).into());
    } else if parameter.name == "Tus-Resumable" {
        parameter.schema = Some(text.enum_values(Some(["1.0.0"])).into());
    } else if let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|kind| *kind != Type::Null);
        if let [only] = types.as_slice() {
            object.schema_type = SchemaType::Type(only.clone());
        }
    }
}

/// Which operations take the id that a creation answers with.
fn say_links(path: &str, create: &mut Operation, all: &[(String, Method)]) {
    let answers = create.responses.responses.iter_mut().filter(|(status, _)| ["201", "202"].contains(&status.as_str()));
    let things = format!("{path}/{{id}}");
    for (_, answer) in answers {
        let RefOr::T(answer) = answer else { continue };
        // An upload is answered without a body: `Location` says where it is.
        if answer.content.is_empty() {
            continue;
        }
        let of_it = all.iter().filter(|(path, _)| path.strip_prefix(&things).is_some_and(|rest| !rest.contains('{')));
        for (path, method) in of_it {
            let name = name_of(path, method);
            let link = LinkBuilder::new().operation_id(name.clone()).parameter("id", "$response.body#/id");
            answer.links.insert(name, RefOr::T(link.build()));
        }
    }
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Repeating the request with the same key within 24 hours gives the first answer again"))
        .schema(Some(schema.pattern(Some("^[!-~]+$"))))
        .build()
}

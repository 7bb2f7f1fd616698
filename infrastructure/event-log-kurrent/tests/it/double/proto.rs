//! The protocol's messages and services, generated from the protos in the client's package; `generated.rs` compares.
#![expect(
    clippy::allow_attributes,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::mixed_attributes_style,
    reason = "generated"
)]

pub mod event_store {
    //! What the generated files take for granted: modules that are nested as the packages are.
    pub mod client {
        //! Messages that services share.
        include!("generated/event_store.client.rs.in");

        pub mod server_features {
            //! What a server can do.
            include!("generated/event_store.client.server_features.rs.in");
        }

        pub mod streams {
            //! Appends, reads, subscriptions.
            include!("generated/event_store.client.streams.rs.in");
        }
    }
}

pub mod google {
    //! Messages of others.
    pub mod rpc {
        //! Failures in answers to batches.
        include!("generated/google.rpc.rs.in");
    }
}

pub use event_store::client::{Empty, StreamIdentifier, Uuid, server_features, streams, uuid};

//! Which containers a file's extension may stand for, and which kind of fault a refusal is.
//!
//! Containers are named as the prober names them: by caps. An extension that stands for none of them is no extension of
//! media, whatever a demuxer finds in the file; a name without one says nothing.

use domain::asset::WhyQuarantined;

/// Containers that have their extensions in common.
struct Family {
    /// What people call it.
    name: &'static str,
    /// The names of its caps.
    caps: &'static [&'static str],
    /// What its files end with; the usual one first.
    extensions: &'static [&'static str],
}

/// Every family whose extensions are known. An extension may stand for several.
const FAMILIES: &[Family] = &[
    Family {
        name: "MP4",
        caps: &["video/quicktime", "audio/x-m4a", "video/mp4", "audio/mp4", "application/x-3gp", "video/mj2"],
        extensions: &["mp4", "m4v", "m4a", "mov", "qt", "3gp", "3g2", "m4b", "f4v", "mj2", "aac"],
    },
    Family {
        name: "Matroska",
        caps: &["video/x-matroska", "audio/x-matroska", "video/x-matroska-3d", "video/webm", "audio/webm"],
        extensions: &["mkv", "webm", "mka", "mk3d", "weba"],
    },
    Family {
        name: "Ogg",
        caps: &["application/ogg", "video/ogg", "audio/ogg", "application/x-ogm-video", "application/x-annodex"],
        extensions: &["ogg", "ogv", "oga", "opus", "ogm", "ogx", "spx"],
    },
    Family {
        name: "an MPEG stream",
        caps: &["video/mpegts", "video/mpeg", "video/x-cdxa"],
        extensions: &["mpg", "mpeg", "ts", "mts", "m2ts", "m2t", "vob", "m1v", "m2v"],
    },
    Family {
        name: "MPEG sound",
        caps: &["audio/mpeg"],
        // Bare AAC has the caps name of MPEG sound.
        extensions: &["mp3", "mp2", "mp1", "mpga", "aac"],
    },
    Family { name: "AC-3", caps: &["audio/x-ac3", "audio/x-eac3"], extensions: &["ac3", "eac3", "ec3"] },
    Family {
        name: "WAVE",
        caps: &["audio/x-wav", "audio/x-w64", "audio/x-rf64"],
        extensions: &["wav", "wave", "w64", "rf64", "bwf"],
    },
    Family { name: "AVI", caps: &["video/x-msvideo"], extensions: &["avi", "divx"] },
    Family { name: "Windows Media", caps: &["video/x-ms-asf"], extensions: &["wmv", "wma", "asf"] },
    Family { name: "Flash video", caps: &["video/x-flv"], extensions: &["flv"] },
    Family { name: "FLAC", caps: &["audio/x-flac"], extensions: &["flac"] },
    Family { name: "AIFF", caps: &["audio/x-aiff"], extensions: &["aif", "aiff", "aifc"] },
    Family { name: "MXF", caps: &["application/mxf"], extensions: &["mxf"] },
];

/// How many extensions a message names at most.
const NAMED_MAX: usize = 4;

/// The extension of a name, in small letters; `None` when it has none. What only ends a sentence or a date is none.
fn extension(name: &str) -> Option<String> {
    let name = name.trim_end_matches(|letter: char| letter == '.' || letter.is_whitespace());
    let (stem, extension) = name.rsplit_once('.')?;
    let is_one = !stem.is_empty()
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_one.then(|| extension.to_ascii_lowercase())
}

/// Whether a file of this name may be in this container; if not, what is wrong and what to do, without its name.
pub(super) fn agree(name: &str, container: &str) -> Result<(), String> {
    let Some(extension) = extension(name) else {
        return Ok(());
    };
    let found = FAMILIES.iter().find(|family| family.caps.contains(&container));
    if found.is_some_and(|family| family.extensions.contains(&extension.as_str())) {
        return Ok(());
    }
    let is_known = FAMILIES.iter().any(|family| family.extensions.contains(&extension.as_str()));
    let wrong = if is_known { "the file is not what its extension says" } else { "its extension is none of media" };
    let right = found.map(|family| {
        let extensions: Vec<_> = family.extensions.iter().take(NAMED_MAX).map(|one| format!(".{one}")).collect();
        format!("it is {}: let its name end with {}", family.name, extensions.join(" or "))
    });
    let right = right.unwrap_or_else(|| "convert it to MP4 with H.264 and AAC, and name it .mp4".to_owned());
    Err(format!("{wrong}; {right}, then hand it in again"))
}

/// Which kind of fault a refusal of the prober or the inspector is.
pub(super) fn why(code: &str) -> WhyQuarantined {
    match code {
        "not-media" | "undecodable" | "unreadable" | "no-stream" | "extension-mismatch" => WhyQuarantined::Unsupported,
        _ => WhyQuarantined::NotDubbable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, container: &str, expected: bool) {
        assert_eq!(agree(name, container).is_ok(), expected, "{name} in {container}");
    }

    #[test]
    fn extension_and_container_agree_or_not() {
        check("talk.mp4", "video/quicktime", true);
        check("TALK.MP4", "video/quicktime", true);
        check("talk.mov", "video/quicktime", true);
        check("talk.mkv", "video/webm", true);
        check("talk.webm", "video/x-matroska", true);
        check("talk.mp3", "audio/mpeg", true);
        check("talk.aac", "audio/mpeg", true);
        check("talk.aac", "video/quicktime", true);
        check("talk.opus", "audio/ogg", true);
        check("talk.mp4", "video/x-matroska", false);
        check("talk.mp3", "video/quicktime", false);
        check("talk.wav", "audio/mpeg", false);
        check("talk.mp3. ", "video/quicktime", false);
        check("talk.exe.mp4", "video/quicktime", true);
        check("talk.mp4", "video/x-nobody-knows", false);
    }

    #[test]
    fn an_extension_that_is_none_of_media_is_refused() {
        for name in ["a.txt", "a.jpg", "a.bat", "a.docx", "a.xyz", "a.mp4.exe", "a.exe.", "a.exe ", "a.application"] {
            check(name, "video/quicktime", false);
        }
    }

    #[test]
    fn a_name_without_an_extension_says_nothing() {
        for name in ["talk", "talk.", ".mp3", "", "talk.mp3/", "../talk.mp 3", "Dr. Who", "talk 2024.11.03", "..."] {
            check(name, "video/quicktime", true);
            check(name, "video/x-nobody-knows", true);
        }
    }

    #[test]
    fn a_refusal_says_what_would_be_right_and_nothing_of_the_name() {
        let said = |name: &str, container: &str| agree(name, container).expect_err("refused");
        assert_eq!(
            said("secret.mkv", "video/quicktime"),
            "the file is not what its extension says; it is MP4: let its name end with .mp4 or .m4v or .m4a or .mov, \
             then hand it in again"
        );
        assert_eq!(
            said("secret.sarah", "audio/x-flac"),
            "its extension is none of media; it is FLAC: let its name end with .flac, then hand it in again"
        );
        assert_eq!(
            said("secret.mp4", "video/x-nobody-knows"),
            "the file is not what its extension says; convert it to MP4 with H.264 and AAC, and name it .mp4, then hand \
             it in again"
        );
    }

    #[test]
    fn every_extension_and_container_is_told_apart() {
        for family in FAMILIES {
            assert!(family.extensions.iter().all(|one| extension(&format!("a.{one}")).as_deref() == Some(one)));
        }
        let mut caps: Vec<&str> = FAMILIES.iter().flat_map(|family| family.caps).copied().collect();
        let count = caps.len();
        caps.sort_unstable();
        caps.dedup();
        assert_eq!(caps.len(), count);
    }
}

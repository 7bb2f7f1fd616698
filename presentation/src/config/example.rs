//! The example file: every key as a comment that can be uncommented. Pure.

use super::{Key, kinds::Form};

const HEAD: &str = "# Configuration of Dragoman, with every key and its default.\n\
#\n\
# Read from --config FILE, else $XDG_CONFIG_HOME/dragoman/dragoman.toml, else /etc/dragoman/dragoman.toml.\n\
# Stronger than this file: variables (http.listen is DRAGOMAN_HTTP__LISTEN), and flags above them.\n\
# `dragoman config check FILE` checks a file; `dragoman config show` tells each value and where it comes from.\n";

/// All of it.
pub fn text(sections: &[(&str, &[&str])], keys: &[Key]) -> String {
    let mut text = HEAD.to_owned();
    let top = keys.iter().filter(|key| !key.path.contains('.'));
    top.for_each(|key| put(&mut text, key.path, key));
    for (section, about) in sections {
        text.push('\n');
        about.iter().for_each(|line| text.push_str(&format!("#{line}\n")));
        text.push_str(&format!("[{section}]\n"));
        for key in keys {
            if let Some(name) = key.path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) {
                put(&mut text, name, key);
            }
        }
    }
    text
}

fn put(text: &mut String, name: &str, key: &Key) {
    text.push('\n');
    key.about.iter().for_each(|line| text.push_str(&format!("#{line}\n")));
    text.push_str(&format!("# Allowed: {}.\n", key.allowed));
    let value = match (key.form, key.default) {
        (Form::Bare, value) => value.unwrap_or_default().to_owned(),
        (Form::Text, Some(value)) => format!("{value:?}"),
        (Form::Text, None) => "\"\"".to_owned(),
        (Form::List, value) => {
            let items = value.unwrap_or_default().split(',').filter(|item| !item.is_empty());
            format!("[{}]", items.map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", "))
        }
    };
    let unset = if key.default.is_none() { "   # unset" } else { "" };
    text.push_str(&format!("#{name} = {value}{unset}\n"));
}

//! Stored calls outlive deploys: `states/N.json` is a call as format N stored it.

use dialog::domain::State;

#[test]
fn a_call_of_every_stored_format_is_read() {
    let text = include_str!("states/1.json");
    let state: State = serde_json::from_str(text).expect("format 1 is read");
    assert_eq!(state.format, 1);
    if State::FORMAT == 1 {
        let stored: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let now = serde_json::to_value(&state).expect("JSON");
        assert_eq!(now, stored, "the shape changed: raise State::FORMAT and keep this sample");
    }
    let newer = text.replacen("\"format\": 1", "\"format\": 99", 1);
    assert!(serde_json::from_str::<State>(&newer).is_err(), "a later format is refused");
}

use super::*;

#[test]
fn the_value_is_worked_on_and_replaced() {
    let cell = OwnCell::new(1);
    assert_eq!(cell.with(|value| *value + 1), 2);
    assert_eq!(cell.replace(3), 1);
    cell.set(4);
    assert_eq!(cell.replace(5), 4);
}

#[test]
#[should_panic(expected = "comes back")]
fn nobody_comes_back_to_a_cell() {
    let cell = OwnCell::new(1);
    cell.with(|_| cell.set(2));
}

// Tests of this component.

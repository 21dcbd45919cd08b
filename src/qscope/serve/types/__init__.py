"""The types of a served schema: values of the wire to typed values, and back."""

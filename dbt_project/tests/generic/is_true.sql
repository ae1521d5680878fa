{#- Rows for which an expression is false; one that is null says nothing against a row. -#}
{% test is_true(model, expression) %}
    select *
    from {{ model }}
    where ({{ expression }}) is false
{% endtest %}

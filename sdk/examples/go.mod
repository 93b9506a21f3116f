module receiver

go 1.18

require vodlift v0.0.0

replace vodlift => ../go

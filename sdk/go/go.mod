module vodlift

go 1.18

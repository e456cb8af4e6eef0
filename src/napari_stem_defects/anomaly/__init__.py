"""What is unusual in the image of a crystal, without any label.

A crystal repeats, so each pixel can be predicted from those around it. What the prediction leaves
over, the lattice residual, is noise where the crystal is perfect and more where it is not.

1. `anomaly.sampling` brings the image to a fixed number of samples per lattice period;
2. `anomaly.grains` finds the tiles that show the same lattice: each grain has a predictor;
3. `anomaly.residual` fits the linear predictors and subtracts what they predict;
4. `anomaly.score` turns the residual into scores of columns and of larger features, and
   `anomaly.line_evidence` into one of lines along the lattice;
5. `anomaly.survey_limits` finds the scores that noise does not reach, and joins all scores to one
   that is comparable between images;
6. `anomaly.candidates` finds the places above it and ranks them as points, lines and areas;
7. `anomaly.survey_frame` is all of it for one frame.

`matched_filter` learns defects from a few clicks on the same residual. The package computes on
arrays with numpy and scipy alone and may import preprocessing, lattice and base.
"""

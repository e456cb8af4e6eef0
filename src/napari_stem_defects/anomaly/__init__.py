"""What is unusual in the image of a crystal, without any label.

A crystal repeats, so each pixel can be predicted from those around it. What the prediction leaves
over, the lattice residual, is noise where the crystal is perfect and more where it is not.

1. `anomaly.sampling` brings the image to a fixed number of samples per lattice period;
2. `anomaly.grains` finds the tiles that show the same lattice: each grain has a predictor;
3. `anomaly.residual` fits the linear predictors and subtracts what they predict;
4. `anomaly.score` turns the residual into a score that is comparable between images, and finds
   the score that noise does not reach;
5. `anomaly.candidates` finds the places above it and ranks them as points, lines and areas;
6. `anomaly.survey_frame` is all of it for one frame.

`matched_filter` learns defects from a few clicks on the same residual. The package computes on
arrays with numpy and scipy alone and may import preprocessing, lattice and base.
"""

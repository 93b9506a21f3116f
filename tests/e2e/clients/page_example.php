<?php
// The documentation's own example for aws.upload. Changed are only what a customer changes: URL, keys, paths, bucket
// and callback (from the environment), and the last lines, which print JSON for the test to read.

    $request = array(
        'command' => 'aws.upload',
        'api_key' => getenv('VODLIFT_API_KEY'),
        'timestamp' => time(),
        'cdn' => 158,
        "path" => getenv('VODLIFT_PATH'),
        "destination_path" => getenv('VODLIFT_DESTINATION'),
        "metadata" => array( 'param1' => 'value1'),
        "acl" => "private",
        "bucket" => getenv('VODLIFT_BUCKET'),
        "callback" => getenv('VODLIFT_CALLBACK'),
    );

    //Create request signature
    $json_request = json_encode($request);
    $sig = base64_encode(hash_hmac('sha256', $json_request,
        getenv('VODLIFT_SECRET'), true));
    $request['signature'] = $sig;
    $json_request = json_encode($request);

    $ch = curl_init();
    curl_setopt($ch, CURLOPT_URL, getenv('VODLIFT_URL')); // Set the URL
    curl_setopt($ch, CURLOPT_POST, true); // Perform a POST
    curl_setopt($ch, CURLOPT_RETURNTRANSFER, true); // If not set, curl prints output to the browser
    curl_setopt($ch, CURLOPT_HEADER, false); // If set, curl returns headers as part of the data stream
    curl_setopt($ch, CURLOPT_POSTFIELDS, array('json' => $json_request)); //'Json' string or 'PHP' serialized return

    $response = curl_exec($ch); //Execute the API Call
    if (!$response) {
        die('Failed to connect to the API');
    }

    //Decode the response as an associative array
    $arrResponse = json_decode($response, true);
    if ($arrResponse) {
        //Operation completed successfully
        echo json_encode($arrResponse);
    } else {
        //Operation failed
        echo 'An error occured processing your request:';
        print_r($response);
    }
